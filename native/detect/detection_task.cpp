#include "detect/detection_task.h"

#include <algorithm>
#include <cmath>
#include <new>
#include <utility>

#include "detect/bounds.h"
#include "detect/catalogue.h"
#include "detect/config_check.h"
#include "detect/model_file.h"
#include "detect/noise_files.h"
#include "detect/select.h"
#include "detect/suppress.h"
#include "detect/tile_source.h"
#include "error/error.h"
#include "fits/pixel_unit.h"
#include "timing/stopwatch.h"

namespace otf {
namespace {

// Compressed images are decoded by whole blocks: bands of this many rows waste little of any usual block height.
constexpr int64_t kCompressedBandRows = 128;

std::vector<std::vector<Box>> makeLists(int64_t tiles) {
  try {
    return std::vector<std::vector<Box>>(static_cast<size_t>(tiles));
  } catch (const std::bad_alloc&) {
    throw OtfError(Code::kOutOfMemory, "cannot keep the boxes of " + std::to_string(tiles) +
                                           " tiles; use a smaller overlap or a region of interest");
  }
}

}  // namespace

struct DetectionTask::Impl {
  FitsImage image;
  DetectorConfig config;
  YoloHead head;
  HeaderReview header;
  TileLayout layout;
  const std::atomic<bool>* cancel;
  std::optional<PrimaryBeam> beam;
  std::optional<SourceMeasurer> measurer;

  std::optional<TileSource> source;   // made by the first prepare or fill
  std::optional<NormalisePlan> plan;  // known by then
  bool mayBeBlank = false;
  PixelChange change;
  PixelCounts counts;  // of the pixels read so far
  double limitsLoadSeconds = 0, limitsSeconds = 0;

  std::vector<std::vector<Box>> boxes;  // per tile
  std::atomic<int64_t> consumedTiles{0}, selected{0}, afterFirst{0}, selectNanoseconds{0};
  std::optional<DetectionResult> result;

  Impl(FitsImage file, DetectorConfig section, YoloHead yolo, const std::string& pixelUnit,
       const std::atomic<bool>* cancelled)
      : image(std::move(file)),
        config(std::move(section)),
        head(std::move(yolo)),
        header(reviewHeader(image.info(), config.unit, pixelUnit)),
        cancel(cancelled) {
    image.setCancel(cancel);
  }

  const Wcs* wcs() const { return header.wcs ? &*header.wcs : nullptr; }

  /// Pixels in the network's unit.
  void readWindow(int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* out, int64_t stride) {
    image.readWindow(x0, y0, columns, rows, out, stride);
    fits::multiplyWindow(out, columns, rows, stride, header.unitFactor);
    if (change) change(x0, y0, columns, rows, out, stride);
  }

  measure::ImagePixels measurePixels() {
    const FitsInfo& info = image.info();
    return {info.width, info.height,
            [this](int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* out, int64_t stride) {
              readWindow(x0, y0, columns, rows, out, stride);
            }};
  }

  PixelPlane plane() {
    return {[this](int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* out, int64_t stride) {
              readWindow(x0, y0, columns, rows, out, stride);
            },
            image.info().compressed ? kCompressedBandRows : 1};
  }

  void findPlan() {
    if (plan) return;
    PixelPlane timed = plane();
    timed.read = [this, read = plane().read](int64_t x0, int64_t y0, int64_t columns, int64_t rows,
                                             float* out, int64_t stride) {
      const Stopwatch watch;
      read(x0, y0, columns, rows, out, stride);
      limitsLoadSeconds += watch.seconds();
    };
    const Stopwatch watch;
    plan = resolveNormalisation(config.normalise, passOver(timed, layout.region, cancel));
    limitsSeconds = watch.seconds() - limitsLoadSeconds;
  }

  void openSource() {
    findPlan();
    RowSink seen;
    if (measurer) seen = [this](const float* pixels, int64_t rows) { measurer->add(pixels, rows); };
    source.emplace(plane(), layout, *plan, cancel, std::move(seen));
  }

  std::vector<std::string> warnings(const std::vector<Source>& sources) const {
    std::vector<std::string> lines = header.warnings;
    if (measurer) {
      for (const std::string& line : measurer->warnings()) lines.push_back(line);
    }
    if (beam) {
      for (const std::string& line : beam->warnings()) lines.push_back(line);
      const auto covered = [](const Source& found) { return std::isfinite(found.primaryBeam); };
      if (!sources.empty() && std::none_of(sources.begin(), sources.end(), covered))
        lines.push_back("the primary-beam image gives no value at any source of " + header.info.label);
    }
    const int64_t smallest = std::min(layout.columns.count, layout.rows.count);
    if (config.dropEdgeTiles > 0 && smallest <= 2 * int64_t{config.dropEdgeTiles}) {
      lines.push_back("drop_edge_tiles = " + std::to_string(config.dropEdgeTiles) + " drops all of the " +
                      std::to_string(layout.columns.count) + " x " + std::to_string(layout.rows.count) +
                      " tiles");
    }
    return lines;
  }
};

DetectionTask::DetectionTask(FitsImage image, const RegionRequest& region, DetectorConfig config,
                             YoloHead head, const std::string& pixelUnit) {
  checkDetectorConfig(config, head);
  impl_ =
      std::make_unique<Impl>(std::move(image), std::move(config), std::move(head), pixelUnit, cancelFlag());
  const Region box = resolveRegion(region, impl_->header.info, impl_->wcs());
  impl_->layout = layoutTiles(box, impl_->config.tilePx, impl_->config.overlapPx);
  requireBounds(impl_->layout, impl_->header.info);
  impl_->boxes = makeLists(impl_->layout.tiles());
}

DetectionTask::~DetectionTask() = default;

const HeaderReview& DetectionTask::header() const { return impl_->header; }
const DetectorConfig& DetectionTask::config() const { return impl_->config; }
const YoloHead& DetectionTask::head() const { return impl_->head; }
const TileLayout& DetectionTask::layout() const { return impl_->layout; }
void DetectionTask::setPrimaryBeam(PrimaryBeam beam) { impl_->beam = std::move(beam); }

void DetectionTask::setMeasure(const MeasureRequest& request) {
  if (impl_->source) throw OtfError(Code::kInternal, "a measurement was asked for after the first tile");
  impl_->measurer.emplace(request, impl_->header, layout().region, impl_->config, cancelFlag());
}

Extent DetectionTask::itemExtent() const { return {config().tilePx, config().tilePx, 1}; }

void DetectionTask::checkNetwork(const Network& network) const {
  checkDetectorNetwork(config(), network);
  const int64_t values = inferShapes(network, itemExtent()).back().shape.values();
  if (values == outputValues()) return;
  throw OtfError(Code::kDetectorConfig,
                 "the engine's network is not the one this detection was prepared for: " +
                     std::to_string(values) + " values per tile, not " + std::to_string(outputValues()));
}

int64_t DetectionTask::outputValues() const {
  const int64_t grid = impl_->config.tilePx / impl_->config.gridElementPx;
  return grid * grid * impl_->head.planes();
}

int64_t DetectionTask::memoryBytes() const {
  return TileSource::ringBytes(layout()) + (impl_->measurer ? impl_->measurer->memoryBytes() : 0);
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
    const auto tile = static_cast<int32_t>(first + i);
    std::vector<Box> boxes = selectBoxes(impl_->config, impl_->head, tile, tiles + i * layout().tilePixels(),
                                         outputs + i * outputValues());
    impl_->selected += static_cast<int64_t>(boxes.size());
    suppressWithinTile(impl_->config, boxes);
    impl_->afterFirst += static_cast<int64_t>(boxes.size());
    boxes.shrink_to_fit();
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
  result.sources = makeCatalogue(config(), layout(), impl_->boxes, impl_->wcs(), beam);
  result.seconds.catalogue = watch.lap();
  if (impl_->measurer) {
    result.measured = impl_->measurer->measure(impl_->measurePixels(), result.sources, threads);
    result.measureSummary = impl_->measurer->summary();
    result.seconds.measure = watch.lap();
  }

  result.layout = layout();
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

void DetectionTask::requireMeasured(bool finished) const {
  if (impl_->measurer && (!finished || impl_->result)) return;
  throw OtfError(
      Code::kInvalidArgument,
      "maps and flux densities at places are of a detection that measures (--measure fast or full)");
}

void DetectionTask::writeMap(const std::string& path, MapKind kind) {
  requireMeasured();
  const std::string& unit = measuredUnit(header(), config());
  const measure::NoiseMap& noise = impl_->measurer->noise();
  if (kind == MapKind::kRms) return writeNoiseFile(path, noise, NoiseKind::kRms, image(), unit);
  if (kind == MapKind::kBackground) return writeNoiseFile(path, noise, NoiseKind::kBackground, image(), unit);
  ModelFile file{path, layout().region, imageKeys(image(), layout().region.x, layout().region.y, unit)};
  if (kind == MapKind::kResidual) file.image = impl_->plane().read;
  writeModelFile(file, impl_->result->measured, cancelFlag());
}

PlacesMeasured DetectionTask::measurePlaces(std::span<const double> raDeg, std::span<const double> decDeg,
                                            int threads) {
  requireMeasured();
  return measureSky(header(), layout().region, impl_->measurePixels(), impl_->measurer->noise(), raDeg,
                    decDeg, {.threads = threads, .cancel = cancelFlag()});
}

}  // namespace otf
