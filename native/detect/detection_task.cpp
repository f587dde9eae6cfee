#include "detect/detection_task.h"

#include <algorithm>
#include <new>
#include <utility>

#include "detect/bounds.h"
#include "detect/catalogue.h"
#include "detect/config_check.h"
#include "detect/detection_state.h"
#include "detect/select.h"
#include "detect/suppress.h"
#include "engine/draws/drawing_engine.h"
#include "error/error.h"
#include "timing/stopwatch.h"

namespace otf {
namespace {

std::vector<std::vector<Box>> makeLists(int64_t tiles) {
  try {
    return std::vector<std::vector<Box>>(static_cast<size_t>(tiles));
  } catch (const std::bad_alloc&) {
    throw OtfError(Code::kOutOfMemory, "cannot keep the boxes of " + std::to_string(tiles) +
                                           " tiles; use a smaller overlap or a region of interest");
  }
}

}  // namespace

DetectionTask::DetectionTask(FitsImage image, const RegionRequest& region, DetectorConfig config,
                             YoloHead head, const std::string& pixelUnit) {
  checkDetectorConfig(config, head);
  impl_ =
      std::make_unique<Impl>(std::move(image), std::move(config), std::move(head), pixelUnit, cancelFlag());
  const Region box = resolveRegion(region, impl_->header.info, impl_->wcs());
  impl_->layout = layoutTiles(box, impl_->config.tilePx, impl_->config.overlapPx);
  requireBounds(impl_->layout, impl_->header.info);
  impl_->boxes = makeLists(impl_->layout.tiles());
  impl_->area.emplace(impl_->layout, impl_->header);
}

DetectionTask::~DetectionTask() = default;

const HeaderReview& DetectionTask::header() const { return impl_->header; }
const DetectorConfig& DetectionTask::config() const { return impl_->config; }
const YoloHead& DetectionTask::head() const { return impl_->head; }
const TileLayout& DetectionTask::layout() const { return impl_->layout; }
const SearchedArea& DetectionTask::searched() const { return *impl_->area; }
void DetectionTask::setPrimaryBeam(PrimaryBeam beam) { impl_->beam = std::move(beam); }

void DetectionTask::setMeasure(const MeasureRequest& request) {
  if (impl_->source) throw OtfError(Code::kInternal, "a measurement was asked for after the first tile");
  impl_->measurer.emplace(request, impl_->header, layout().region, impl_->config, cancelFlag());
}

void DetectionTask::setMask(std::shared_ptr<const coverage::Area> area) {
  if (impl_->source) throw OtfError(Code::kInternal, "a mask was given after the first tile");
  impl_->area->setMask(std::move(area));
}

Extent DetectionTask::itemExtent() const { return {config().tilePx, config().tilePx, 1}; }

void DetectionTask::checkNetwork(const Network& network) const {
  checkDetectorNetwork(config(), network);
  const int64_t values = inferShapes(network, itemExtent()).back().shape.values();
  if (values == networkValues()) return;
  throw OtfError(Code::kDetectorConfig,
                 "the engine's network is not the one this detection was prepared for: " +
                     std::to_string(values) + " values per tile, not " + std::to_string(networkValues()));
}

void DetectionTask::setDrawn() { impl_->drawn.emplace(impl_->boxes.size()); }

int64_t DetectionTask::outputValues() const { return networkValues() * (impl_->drawn ? kDrawnParts : 1); }

int64_t DetectionTask::networkValues() const {
  const int64_t grid = impl_->config.tilePx / impl_->config.gridElementPx;
  return grid * grid * impl_->head.planes();
}

int64_t DetectionTask::memoryBytes() const {
  return TileSource::ringBytes(layout()) + (impl_->measurer ? impl_->measurer->memoryBytes() : 0);
}

uint64_t DetectionTask::bytesFor(int64_t item) const {
  const std::vector<int32_t>& tiles = searched().tiles();
  const AxisTiling& rows = layout().rows;
  const Region& region = layout().region;
  const int64_t row = layout().row(tiles.at(static_cast<size_t>(item)));
  // With the last tiles whatever the region has left may be read.
  const bool isLast = layout().row(tiles.back()) == row;
  const int64_t end = isLast || readsImage(config().normalise)
                          ? region.height
                          : std::min(rows.begin(row) + layout().tilePx, region.height);
  return impl_->image.bytesOfRows(region.y + end);
}

int64_t DetectionTask::prepare() {
  if (!impl_->source) impl_->openSource();
  const int64_t ready = impl_->source->prepare();
  impl_->counts = impl_->source->counts();
  return ready;
}

void DetectionTask::fill(int64_t first, int count, float* out) {
  if (!impl_->source) impl_->openSource();
  impl_->source->fill(first, count, out);
  impl_->counts = impl_->source->counts();
  if (first + count == items() && !impl_->mayBeBlank) throwIfBlank(impl_->counts, image());
}

void DetectionTask::consume(int64_t first, int count, const float* tiles, const float* outputs) {
  if (first < 0 || count < 0 || first + count > items()) {
    throw OtfError(Code::kInternal, "tile " + std::to_string(first + count - 1) + " does not exist");
  }
  const Stopwatch watch;
  for (int i = 0; i < count; ++i) {
    const int32_t tile = impl_->area->tiles()[static_cast<size_t>(first + i)];
    const float* output = outputs + i * outputValues();
    std::vector<Box> boxes =
        selectBoxes(impl_->config, impl_->head, tile, tiles + i * layout().tilePixels(), output);
    impl_->selected += static_cast<int64_t>(boxes.size());
    suppressWithinTile(impl_->config, boxes);
    impl_->afterFirst += static_cast<int64_t>(boxes.size());
    boxes.shrink_to_fit();
    if (impl_->drawn) {
      const int side = config().tilePx / config().gridElementPx;
      (*impl_->drawn)[static_cast<size_t>(tile)] =
          drawnBoxes(head(), side, boxes, output + networkValues(), output + 2 * networkValues());
    }
    impl_->boxes[static_cast<size_t>(tile)] = std::move(boxes);
  }
  impl_->selectNanoseconds += static_cast<int64_t>(watch.seconds() * 1e9);
  impl_->consumedTiles += count;
}

void DetectionTask::finish(int threads) {
  if (impl_->result) throw OtfError(Code::kInternal, "the catalogue was asked for twice");
  if (impl_->consumedTiles != items()) {
    throw OtfError(Code::kInternal, std::to_string(impl_->consumedTiles) + " of " + std::to_string(items()) +
                                        " tiles were consumed before the catalogue was asked for");
  }
  DetectionResult result;
  Stopwatch watch;
  clearEdgeTiles(layout(), config().dropEdgeTiles, impl_->boxes);
  suppressAcrossTiles(config(), layout(), threads, impl_->boxes);
  result.seconds.suppress = watch.lap();
  PrimaryBeam* beam = impl_->beam ? &*impl_->beam : nullptr;
  result.sources = makeCatalogue(config(), layout(), impl_->boxes, impl_->wcs(), beam, threads);
  result.seconds.catalogue = watch.lap();
  if (impl_->measurer) {
    result.measured = impl_->measurer->measure(impl_->measurePixels(), result.sources, threads);
    result.measureSummary = impl_->measurer->summary();
    result.seconds.measure = watch.lap();
  }
  const int64_t outside = impl_->area->keepInside(result.sources, result.measured, cancelFlag());
  if (impl_->area->mask()) result.outsideMask = outside;
  if (impl_->values) impl_->values->finish();
  if (impl_->drawn) {
    result.drawn = drawnSources(config(), head(), layout(), *impl_->drawn, result.sources, impl_->wcs());
  }

  result.layout = layout();
  result.tiles = items();
  result.selected = impl_->selected;
  result.afterFirst = impl_->afterFirst;
  result.pixels = impl_->counts;
  if (impl_->plan) result.clipLimits = impl_->plan->clipLimits;
  if (impl_->wcs()) result.frame = impl_->wcs()->frame();
  result.warnings = impl_->warnings(result.sources);
  result.seconds.limits = impl_->limitsSeconds;
  result.seconds.load = impl_->limitsLoadSeconds;
  result.seconds.select = static_cast<double>(impl_->selectNanoseconds) * 1e-9;
  if (impl_->source) {
    result.seconds.load += impl_->source->readSeconds();
    result.seconds.prepare = impl_->source->prepareSeconds();
  }
  impl_->result = std::move(result);
}

const DetectionResult& DetectionTask::result() const {
  if (!impl_->result) throw OtfError(Code::kInternal, "the catalogue was asked for before it was made");
  return *impl_->result;
}

void DetectionTask::alter(PixelChange change) { impl_->change = std::move(change); }

void DetectionTask::settle(const NormalisePlan& plan, const measure::NoiseMap& noise) {
  impl_->plan = plan;
  impl_->mayBeBlank = true;
  if (impl_->measurer) impl_->measurer->use(noise);
}

const NormalisePlan& DetectionTask::plan() const { return impl_->plan.value(); }

const measure::NoiseMap& DetectionTask::noise() const {
  requireMeasured(false);
  return impl_->measurer->noise();
}

}  // namespace otf
