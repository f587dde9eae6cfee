// How the noise of neighbouring pixels belongs together.
#pragma once

#include <cstdint>
#include <vector>

#include "measure/fit.h"
#include "measure/shape.h"

namespace otf::measure {

/// What an image says of it: the correlation of pixels of one row that are `lagPx`, and twice that, apart. 0 px: nothing was measured.
struct MeasuredCorrelation {
  int64_t lagPx = 0;
  double near = 0, far = 0;
};

/// Two pixels d apart are correlated by (1 - white) exp(-d' K^-1 d / 4): K is the beam's covariance where the noise is white
/// noise convolved with the beam. `white`: the part of the variance that each pixel has of its own. It is never none, for
/// weights would follow what a beam leaves a millionth of.
struct NoiseShape {
  Covariance kernel;
  double white = 0.02;
};

/// The beam's, stretched as the image says.
NoiseShape noiseShape(const MeasuredCorrelation& measured, const Covariance& beam);

/// Covariances of the noise of pairs of pixels of one grid: there are far fewer distances than pairs.
class Correlations {
 public:
  Correlations(const FitPixels& pixels, double variance, const NoiseShape& noise);
  double of(size_t i, size_t k) const {
    const long apart = cells_[i] - cells_[k];
    return values_[static_cast<size_t>(reach_ + (apart < 0 ? -apart : apart))];
  }

 private:
  long reach_ = 0;           // columns
  std::vector<long> cells_;  // of each pixel: rows as wide as two of its columns' reach
  std::vector<double> values_;
};

}  // namespace otf::measure
