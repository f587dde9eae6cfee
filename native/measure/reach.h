// Which pixels around sources count.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "measure/bands.h"
#include "measure/fit.h"
#include "measure/noise_map.h"

namespace otf::measure {

/// A fit takes the pixels within this many standard deviations of a source, 0.7 FWHM. In noise that is correlated over the
/// beam more pixels make a least-squares fit worse: the outer ones repeat the noise of the inner ones and weigh as much.
constexpr double kFitSigmas = 0.7 * kFwhmPerSigma;
/// Where weights know of that, those within one FWHM of the beam tell the place better.
constexpr double kPlaceSigmas = kFwhmPerSigma;

inline bool isWithin(double sigmas, const Covariance& shape, double dx, double dy) {
  return shape.yy * dx * dx - 2 * shape.xy * dx * dy + shape.xx * dy * dy <=
         sigmas * sigmas * shape.determinant();
}

/// A fit of the source takes the pixel.
inline bool reaches(const Gaussian& source, double x, double y) {
  return isWithin(kFitSigmas, source.shape, x - source.x, y - source.y);
}

/// Its place goes by the pixel.
inline bool reachesForPlace(const Gaussian& source, const Covariance& beam, double x, double y) {
  return reaches(source, x, y) || isWithin(kPlaceSigmas, beam, x - source.x, y - source.y);
}

inline Extent2 extentWithin(double sigmas, const Gaussian& source) {
  return Extent2::around(source.x, source.y, sigmas * std::sqrt(source.shape.xx),
                         sigmas * std::sqrt(source.shape.yy));
}

/// All pixels of a source that may count; it is no narrower than the beam.
inline Extent2 extentOf(const Gaussian& source) {
  return extentWithin(std::max(kFitSigmas, kPlaceSigmas), source);
}

/// Every so many pixels place a source: those of a beam that is sampled more finely tell little more, and cost with the cube.
inline int64_t placeStride(const Covariance& beam) {
  constexpr double kPixelsPerBeam = 2.5;
  return std::max<int64_t>(
      1, static_cast<int64_t>(kFwhmPerSigma * std::pow(beam.determinant(), 0.25) / kPixelsPerBeam));
}

/// Pixels of the extent that `isWanted(x, y)`, every `stride` of the image's grid, less the background; `blank(x, y)` hears of those that have no value.
template <typename IsWanted, typename Blank>
void gather(const Window& window, const NoiseMap& noise, const Extent2& extent, int64_t stride,
            IsWanted isWanted, Blank blank, FitPixels& out) {
  out.clear();
  for (int64_t y = extent.bottom; y <= extent.top; ++y) {
    for (int64_t x = extent.left; x <= extent.right; ++x) {
      if (!window.contains(x, y) || x % stride != 0 || y % stride != 0) continue;
      const auto px = static_cast<double>(x), py = static_cast<double>(y);
      if (!isWanted(px, py)) continue;
      const double value = window.at(x, y) - noise.backgroundAt(px, py);
      if (!std::isfinite(value)) {
        blank(px, py);
        continue;
      }
      out.x.push_back(px);
      out.y.push_back(py);
      out.values.push_back(value);
    }
  }
}

}  // namespace otf::measure
