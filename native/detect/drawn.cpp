#include "detect/drawn.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "detect/select.h"
#include "error/error.h"
#include "measure/sky_values.h"

namespace otf {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr Spread kUnknown{kNaN, kNaN};
constexpr double kDegPerRad = 180 / std::numbers::pi;

enum Plane : size_t { kX = 0, kY = 1, kWidth = 3, kHeight = 4, kProbability = 6, kObjectness = 7 };

/// Of exp(value * scale + offset).
Spread exponential(double mean, double deviation, double scale, double offset) {
  const double middle = std::exp(mean * scale + offset);
  return {middle, middle * deviation * std::abs(scale)};
}

/// The angle from +x towards +y of a predicted cosine, and sine (-1..1 as 0..1), as if their draws were independent.
Spread pixelAngle(Spread cosine, Spread sine) {
  const double c = std::clamp(cosine.mean, 0.0, 1.0), s = 2 * std::clamp(sine.mean, 0.0, 1.0) - 1;
  const double dc = cosine.deviation, ds = 2 * sine.deviation;
  return {std::atan2(s, c) * kDegPerRad, std::hypot(c * ds, s * dc) / (c * c + s * s) * kDegPerRad};
}

class Teller {
 public:
  Teller(const DetectorConfig& config, const YoloHead& head, const TileLayout& layout, const Wcs* wcs)
      : config_(config),
        layout_(layout),
        firstParameter_(8 + static_cast<size_t>(head.classes)),
        head_(head),
        wcs_(wcs) {}

  DrawnSource tell(const DrawnBox& box, int32_t tile) const {
    const auto plane = [&](size_t p) { return Spread{box.mean[p], box.deviation[p]}; };
    const int side = config_.tilePx / config_.gridElementPx;
    const auto& prior = head_.priors[static_cast<size_t>(box.prior)];
    DrawnSource out{};
    out.x = place(plane(kX), box.cell % side, layout_.region.x + layout_.columns.begin(layout_.column(tile)));
    out.y = place(plane(kY), box.cell / side, layout_.region.y + layout_.rows.begin(layout_.row(tile)));
    out.width = exponential(plane(kWidth).mean, plane(kWidth).deviation, 1, std::log(prior[0]));
    out.height = exponential(plane(kHeight).mean, plane(kHeight).deviation, 1, std::log(prior[1]));
    const bool edge = onEdge(box.cell, side);
    const auto judged = [&](Spread value) {
      return edge ? Spread{edgePenalised(static_cast<float>(value.mean)), value.deviation} : value;
    };
    out.probability = judged(plane(kProbability));
    out.objectness = judged(plane(kObjectness));
    addParameters(plane, out);
    return out;
  }

 private:
  /// CIANNA puts the centre of the first pixel at 0.5, a 0-based position at 0.
  Spread place(Spread within, int cell, int64_t origin) const {
    const double step = config_.gridElementPx;
    return {static_cast<double>(origin) + (cell + within.mean) * step - 0.5, within.deviation * step};
  }

  template <typename PlaneOf>
  void addParameters(PlaneOf plane, DrawnSource& out) const {
    Spread cosine = kUnknown, sine = kUnknown;
    for (size_t p = 0; p < config_.parameters.size(); ++p) {
      const ParameterSpec& spec = config_.parameters[p];
      const Spread drawn = plane(firstParameter_ + p);
      const double scale = spec.max - spec.min;
      Spread value = kUnknown;
      switch (spec.scale) {
        case ParameterSpec::Scale::kLog:
          value = exponential(drawn.mean, drawn.deviation, scale, spec.min);
          break;
        case ParameterSpec::Scale::kLinear:
          value = {drawn.mean * scale + spec.min, drawn.deviation * std::abs(scale)};
          break;
        case ParameterSpec::Scale::kCos:
          cosine = drawn;
          break;
        case ParameterSpec::Scale::kSin:
          sine = drawn;
          break;
      }
      out.values.push_back(value);
    }
    placeOnSky(pixelAngle(cosine, sine), out);
  }

  void placeOnSky(Spread angle, DrawnSource& out) const {
    out.ra = out.dec = out.pa = kUnknown;
    if (!wcs_) return;
    const auto toSky = measure::skyMapAt(*wcs_, out.x.mean, out.y.mean);
    const auto centre = wcs_->pixelToSky(out.x.mean, out.y.mean);
    if (!toSky || !centre) return;
    const double dx = out.x.deviation, dy = out.y.deviation;
    out.ra = {centre->raDeg, std::hypot(toSky->xPerX * dx, toSky->xPerY * dy)};
    out.dec = {centre->decDeg, std::hypot(toSky->yPerX * dx, toSky->yPerY * dy)};
    if (std::isfinite(angle.mean))
      out.pa = {wcs_->positionAngle(out.x.mean, out.y.mean, angle.mean).value_or(kNaN), angle.deviation};
  }

  const DetectorConfig& config_;
  const TileLayout& layout_;
  const size_t firstParameter_;
  const YoloHead& head_;
  const Wcs* wcs_;
};

}  // namespace

std::vector<DrawnBox> drawnBoxes(const YoloHead& head, int gridSide, std::span<const Box> boxes,
                                 const float* mean, const float* deviation) {
  const int64_t cells = int64_t{gridSide} * gridSide;
  std::vector<DrawnBox> out;
  for (const Box& box : boxes) {
    DrawnBox drawn{box.prior, box.cell, {}, {}};
    const int64_t first = box.prior * cells * head.planesPerBox() + box.cell;
    for (int64_t p = 0; p < head.planesPerBox(); ++p) {
      drawn.mean.push_back(mean[first + p * cells]);
      drawn.deviation.push_back(deviation[first + p * cells]);
    }
    out.push_back(std::move(drawn));
  }
  return out;
}

std::vector<DrawnSource> drawnSources(const DetectorConfig& config, const YoloHead& head,
                                      const TileLayout& layout, std::span<const std::vector<DrawnBox>> tiles,
                                      std::span<const Source> sources, const Wcs* wcs) {
  const Teller teller(config, head, layout, wcs);
  std::vector<DrawnSource> out;
  out.reserve(sources.size());
  for (const Source& source : sources) {
    const std::vector<DrawnBox>& tile = tiles[static_cast<size_t>(source.tile)];
    const auto box = std::find_if(tile.begin(), tile.end(), [&](const DrawnBox& each) {
      return each.prior == source.prior && each.cell == source.cell;
    });
    if (box == tile.end()) throw OtfError(Code::kInternal, "a source's draws were not kept");
    out.push_back(teller.tell(*box, source.tile));
  }
  return out;
}

}  // namespace otf
