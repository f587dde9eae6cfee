#include "simulate/cube/draw.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "simulate/cube/response.h"
#include "simulate/random.h"

namespace otf::simulate {
namespace {

constexpr double kMarginPx = 3;  // from the edge of the image
constexpr int kPlaceAttempts = 200;
constexpr double kCountSlope = 1.5;  // N(>S) of steady sources (Euclidean)

/// Numbers of one seed, one after the other.
class Draws {
 public:
  explicit Draws(uint64_t key) : key_(key) {}
  double between(double from, double to) { return from + (to - from) * uniform(mix(key_, counter_++)); }
  size_t below(size_t count) {
    return std::min(static_cast<size_t>(between(0, static_cast<double>(count))), count - 1);
  }

 private:
  uint64_t key_, counter_ = 0;
};

void place(PlacedSource& source, const std::vector<PlacedSource>& others, const CubeSpec& spec,
           Draws& draws) {
  const double end = static_cast<double>(spec.sizePx) - 1 - kMarginPx;
  for (int attempt = 0; attempt < kPlaceAttempts; ++attempt) {
    source.x = draws.between(kMarginPx, end);
    source.y = draws.between(kMarginPx, end);
    const auto near = [&](const PlacedSource& other) {
      return std::hypot(other.x - source.x, other.y - source.y) < spec.separationPx;
    };
    if (std::none_of(others.begin(), others.end(), near)) return;
  }
}

std::vector<PlacedSource> drawPlaced(const CubeSpec& spec) {
  static const std::vector<CurveShape> kUsual{CurveShape::kGate, CurveShape::kGaussian, CurveShape::kDecay};
  const std::vector<CurveShape>& shapes = spec.shapes.empty() ? kUsual : spec.shapes;
  const double peak = spec.noiseJyBeam / spec.sigmaOverPeak;
  Draws draws(mix(spec.seed, 0x736f75726365));
  std::vector<PlacedSource> out;
  for (int k = 0; k < spec.transients + spec.steady; ++k) {
    PlacedSource source;
    place(source, out, spec, draws);
    source.tau = draws.between(spec.tauMin, spec.tauMax);
    // Shapes begin and end inside the cube, where there is room for that.
    const double margin = std::min(3.0, spec.frames / 4.0);
    source.t0 = draws.between(margin, spec.frames - margin);
    const double level = draws.between(0, 1);
    if (k < spec.transients) {
      source.shape = shapes[draws.below(shapes.size())];
      source.peakJy = peak * std::pow(spec.spread, 2 * level - 1);
    } else {
      // N(>S) ~ S^-1.5 above peak / spread, cut off at peak * spread^2.
      const double rare = std::pow(spec.spread, -3 * kCountSlope);
      source.peakJy = peak / spec.spread * std::pow(rare + level * (1 - rare), -1 / kCountSlope);
    }
    out.push_back(source);
  }
  return out;
}

}  // namespace

double beamAttenuation(const CubeSpec& spec, double x, double y) {
  if (!spec.primaryBeam) return 1;
  std::vector<double> diameters;
  for (const Antenna& antenna : spec.array.antennas) diameters.push_back(antenna.diameterM);
  const auto middle = diameters.begin() + static_cast<std::ptrdiff_t>(diameters.size() / 2);
  std::nth_element(diameters.begin(), middle, diameters.end());
  const double fwhm = 1.2 * 299.792458 / spec.frequencyMHz / *middle;
  const double centre = static_cast<double>(spec.sizePx) / 2;
  const double distance = std::hypot(x - centre, y - centre) * cellRadians(spec);
  return std::exp(-4 * std::numbers::ln2 * distance * distance / (fwhm * fwhm));
}

std::vector<CubeSource> drawCubeSources(const CubeSpec& spec) {
  std::vector<CubeSource> out;
  for (const PlacedSource& placed : spec.sources ? *spec.sources : drawPlaced(spec)) {
    CubeSource source;
    source.placed = placed;
    source.attenuation = beamAttenuation(spec, placed.x, placed.y);
    source.fluxJy =
        lightCurve(placed.shape, spec.frames, placed.t0, placed.tau, placed.peakJy * source.attenuation);
    out.push_back(std::move(source));
  }
  return out;
}

}  // namespace otf::simulate
