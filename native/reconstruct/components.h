// Sources between pixels: what they add to dirty frames.
#pragma once

#include <cstdint>
#include <vector>

#include "fft/fft.h"

namespace otf {

/// Weights of the pixels around a place between them, so that a band-limited image of a point is drawn there: a sinc under
/// a Kaiser window of 10 pixels to each side. Source: Kaiser & Schafer 1980 (IEEE TASSP 28, 105).
struct PointWeights {
  static constexpr int kTaps = 20;
  int64_t x0 = 0, y0 = 0;  // of the first tap
  float across[kTaps], down[kTaps];

  /// Costs more than all that is done with it: keep it.
  PointWeights(double x, double y);
  /// Adds flux * weights to plane[height][width], wrapped around.
  void add(float* plane, int64_t height, int64_t width, double flux) const;
  /// The value of a wrapped plane [height][width] at the place.
  double sample(const float* plane, int64_t height, int64_t width) const;
};

}  // namespace otf
