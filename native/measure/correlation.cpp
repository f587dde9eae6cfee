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
  // Of exp(-(a x^2 + 2 b x y + c y^2)): along a row each is the one before times a factor that itself changes by one factor.
  const Covariance& kernel = noise.kernel;
  const double d = 4 * kernel.determinant(), a = kernel.yy / d, b = -kernel.xy / d, c = kernel.xx / d;
  const double first = std::exp(-a), change = first * first;
  for (long y = 0; y < rows; ++y) {
    const auto dy = static_cast<double>(y);
    constexpr double kFar = 15;  // less than a millionth
    if ((c - b * b / a) * dy * dy > kFar) break;
    double* middle = &values_[static_cast<size_t>(y * across + reach_)];
    const double aside = std::exp(-2 * b * dy);
    double ahead = variance * (1 - noise.white) * std::exp(-c * dy * dy), behind = ahead;
    double forwards = first * aside, backwards = first / aside;
    middle[0] = ahead;
    for (long x = 1; x <= reach_; ++x) {
      middle[x] = ahead *= forwards;
      middle[-x] = behind *= backwards;
      forwards *= change;
      backwards *= change;
    }
  }
  values_[static_cast<size_t>(reach_)] = variance;
}

}  // namespace otf::measure
