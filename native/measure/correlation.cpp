#include "measure/correlation.h"

#include <algorithm>
#include <cmath>

namespace otf::measure {
namespace {

/// A kernel is no further from the beam than this, and no noise is more of its own than that: other images are not understood.
constexpr double kLeastStretch = 0.5, kMostStretch = 1.5, kLeastWhite = 0.02, kMostWhite = 0.5;

}  // namespace

NoiseShape noiseShape(const MeasuredCorrelation& measured, const Covariance& beam) {
  NoiseShape shape{beam, kLeastWhite};
  if (measured.lagPx <= 0 || !std::isfinite(measured.near + measured.far)) return shape;
  constexpr double kLeast = 1e-3, kMost = 0.999;
  const double near = std::log(std::clamp(measured.near, kLeast, kMost)),
               far = std::log(std::clamp(measured.far, kLeast, kMost));
  // Of (1 - white) q and (1 - white) q^4, which a Gaussian kernel makes of one and two lags.
  const double white = std::clamp(1 - std::exp((4 * near - far) / 3), 0.0, kMostWhite);
  shape.white = std::max(white, kLeastWhite);
  const auto lag = static_cast<double>(measured.lagPx);
  const double ofBeam = 0.25 * lag * lag * beam.yy / beam.determinant();
  const double found = std::log(1 - white) - near;
  const double squared = std::clamp(found > 0 ? ofBeam / found : kMostStretch * kMostStretch,
                                    kLeastStretch * kLeastStretch, kMostStretch * kMostStretch);
  shape.kernel = {beam.xx * squared, beam.xy * squared, beam.yy * squared};
  return shape;
}

Correlations::Correlations(const FitPixels& pixels, double variance, const NoiseShape& noise) {
  const auto [left, right] = std::ranges::minmax(pixels.x);
  const auto [bottom, top] = std::ranges::minmax(pixels.y);
  reach_ = std::lround(right - left);
  const long across = 2 * reach_ + 1, rows = std::lround(top - bottom) + 1;
  cells_.reserve(pixels.count());
  for (size_t i = 0; i < pixels.count(); ++i)
    cells_.push_back(std::lround(pixels.y[i] - bottom) * across + std::lround(pixels.x[i] - left));
  values_.resize(static_cast<size_t>(across * rows));
  const Covariance& kernel = noise.kernel;
  const double d = kernel.determinant();
  for (long y = 0; y < rows; ++y) {
    for (long x = -reach_; x <= reach_; ++x) {
      const auto dx = static_cast<double>(x), dy = static_cast<double>(y);
      const double form = (kernel.yy * dx * dx - 2 * kernel.xy * dx * dy + kernel.xx * dy * dy) / d;
      constexpr double kFar = 60;  // less than a millionth
      values_[static_cast<size_t>(y * across + x + reach_)] =
          form > kFar ? 0 : variance * (1 - noise.white) * std::exp(-0.25 * form);
    }
  }
  values_[static_cast<size_t>(reach_)] = variance;
}

}  // namespace otf::measure
