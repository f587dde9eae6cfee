#include "detect/catalogue.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "threads/in_threads.h"

namespace otf {
namespace {

constexpr size_t kTogether = 2048;  // sources a thread takes at once
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

double finiteOrUnknown(double value) { return std::isfinite(value) ? value : kUnknown; }

double physicalValue(const ParameterSpec& spec, float predicted) {
  const double p = predicted;
  switch (spec.scale) {
    case ParameterSpec::Scale::kLog:
      return finiteOrUnknown(std::exp(p * (spec.max - spec.min) + spec.min));
    case ParameterSpec::Scale::kLinear:
      return finiteOrUnknown(p * (spec.max - spec.min) + spec.min);
    case ParameterSpec::Scale::kCos:
    case ParameterSpec::Scale::kSin:
      return finiteOrUnknown(p);
  }
  return kUnknown;
}

/// Index of the parameter with this scale, or -1.
int indexOf(const DetectorConfig& config, ParameterSpec::Scale scale) {
  for (size_t i = 0; i < config.parameters.size(); ++i) {
    if (config.parameters[i].scale == scale) return static_cast<int>(i);
  }
  return -1;
}

/// Degrees from +x towards +y, -90..90: the network predicts cos in 0..1 and (sin+1)/2 in 0..1.
double pixelAngleDeg(double predictedCos, double predictedSin) {
  const double sine = 2 * std::clamp(predictedSin, 0.0, 1.0) - 1, cosine = std::clamp(predictedCos, 0.0, 1.0);
  return finiteOrUnknown(std::atan2(sine, cosine) * 180 / std::numbers::pi);
}

class SourceBuilder {
 public:
  SourceBuilder(const DetectorConfig& config, const TileLayout& layout)
      : config_(config),
        layout_(layout),
        cos_(indexOf(config, ParameterSpec::Scale::kCos)),
        sin_(indexOf(config, ParameterSpec::Scale::kSin)) {}

  /// All that needs no sky.
  Source build(const Box& box) const {
    Source source{};
    source.raDeg = source.decDeg = source.paDeg = source.primaryBeam = kUnknown;
    // CIANNA puts the centre of the first pixel at 0.5, a 0-based position at 0.
    source.x = originX(box.tile) + (double{box.x0} + double{box.x1}) * 0.5 - 0.5;
    source.y = originY(box.tile) + (double{box.y0} + double{box.y1}) * 0.5 - 0.5;
    source.widthPx = box.x1 - box.x0;
    source.heightPx = box.y1 - box.y0;
    source.probability = box.probability;
    source.objectness = box.objectness;
    source.prior = box.prior;
    source.tile = box.tile;
    source.cell = box.cell;
    source.values.reserve(config_.parameters.size());
    for (size_t p = 0; p < config_.parameters.size(); ++p) {
      source.values.push_back(physicalValue(config_.parameters[p], box.parameters[p]));
    }
    source.paPixelDeg = cos_ < 0 ? kUnknown
                                 : pixelAngleDeg(source.values[static_cast<size_t>(cos_)],
                                                 source.values[static_cast<size_t>(sin_)]);
    return source;
  }

 private:
  double originX(int32_t tile) const {
    return static_cast<double>(layout_.region.x + layout_.columns.begin(layout_.column(tile)));
  }
  double originY(int32_t tile) const {
    return static_cast<double>(layout_.region.y + layout_.rows.begin(layout_.row(tile)));
  }

  const DetectorConfig& config_;
  const TileLayout& layout_;
  int cos_, sin_;
};

void placeOnSky(const Wcs& wcs, std::span<Source> sources) {
  const size_t n = sources.size();
  std::vector<double> x(n), y(n), ra(n), dec(n);
  std::vector<uint8_t> ok(n);
  for (size_t i = 0; i < n; ++i) x[i] = sources[i].x, y[i] = sources[i].y;
  wcs.pixelToSky(x, y, ra, dec, ok);
  for (size_t i = 0; i < n; ++i) {
    if (!ok[i]) continue;
    sources[i].raDeg = ra[i];
    sources[i].decDeg = dec[i];
    if (std::isfinite(sources[i].paPixelDeg)) {
      sources[i].paDeg = wcs.positionAngle(x[i], y[i], sources[i].paPixelDeg).value_or(kUnknown);
    }
  }
}

void lookUpBeam(PrimaryBeam& beam, const SkyFrame& frame, std::vector<Source>& sources) {
  for (Source& source : sources) {
    if (!std::isfinite(source.raDeg)) continue;
    source.primaryBeam = beam.at({source.raDeg, source.decDeg}, frame).value_or(kUnknown);
  }
}

}  // namespace

std::vector<Source> makeCatalogue(const DetectorConfig& config, const TileLayout& layout,
                                  std::span<const std::vector<Box>> tiles, const Wcs* wcs, PrimaryBeam* beam,
                                  int threads) {
  std::vector<const Box*> order;
  for (const auto& boxes : tiles) {
    for (const Box& box : boxes) order.push_back(&box);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const Box* a, const Box* b) { return a->objectness > b->objectness; });
  const SourceBuilder builder(config, layout);
  std::vector<Source> sources(order.size());
  // Each is a matter of its own: the same whoever computes it.
  inThreads((order.size() + kTogether - 1) / kTogether, threads, [&](size_t part) {
    const size_t first = part * kTogether, count = std::min(kTogether, order.size() - first);
    const std::span<Source> own(sources.data() + first, count);
    for (size_t i = 0; i < count; ++i) own[i] = builder.build(*order[first + i]);
    if (wcs) placeOnSky(*wcs, own);
  });
  if (beam && wcs) lookUpBeam(*beam, wcs->frame(), sources);
  return sources;
}

}  // namespace otf
