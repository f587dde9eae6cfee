// What a detection holds while it runs. Internal to this room: included by the .cpp files of DetectionTask only.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coverage/value_map.h"
#include "detect/detection_task.h"
#include "detect/tile_source.h"
#include "fits/pixel_unit.h"
#include "timing/stopwatch.h"

namespace otf {

// Compressed images are decoded by whole blocks: bands of this many rows waste little of any usual block height.
inline constexpr int64_t kCompressedBandRows = 128;

struct DetectionTask::Impl {
  FitsImage image;
  DetectorConfig config;
  YoloHead head;
  HeaderReview header;
  TileLayout layout;
  std::optional<SearchedArea> area;  // from the constructor on
  std::optional<coverage::ValueMap> values;
  const std::atomic<bool>* cancel;
  std::optional<PrimaryBeam> beam;
  std::optional<SourceMeasurer> measurer;

  std::optional<TileSource> source;   // made by the first prepare or fill
  std::optional<NormalisePlan> plan;  // known by then
  bool mayBeBlank = false;
  PixelChange change;
  PixelCounts counts;  // of the pixels read so far
  double limitsLoadSeconds = 0, limitsSeconds = 0;

  std::vector<std::vector<Box>> boxes;                      // per tile
  std::optional<std::vector<std::vector<DrawnBox>>> drawn;  // the same; absent: the network gives no draws
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
    if (measurer || values) {
      seen = [this](const float* pixels, int64_t rows) {
        if (measurer) measurer->add(pixels, rows);
        if (values) values->add(pixels, rows);
      };
    }
    source.emplace(plane(), layout, area->tiles(), *plan, cancel, std::move(seen));
  }

  std::vector<std::string> warnings(const std::vector<Source>& sources) const {
    std::vector<std::string> lines = header.warnings;
    if (area->mask()) {
      for (const std::string& line : area->mask()->warnings()) lines.push_back(line);
    }
    if (measurer) {
      for (const std::string& line : measurer->warnings()) lines.push_back(line);
    }
    const auto isOffSky = [](const Source& found) { return !std::isfinite(found.raDeg); };
    const auto offSky = wcs() ? std::ranges::count_if(sources, isOffSky) : 0;
    if (offSky > 0) {
      lines.push_back(header.info.label + ": " + std::to_string(offSky) + " of " +
                      std::to_string(sources.size()) +
                      " sources lie where its projection has no sky: they have pixel positions only");
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

}  // namespace otf
