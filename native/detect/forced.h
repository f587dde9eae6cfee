// Flux densities at given places, without a network (docs/measurement.md).
#pragma once

#include <atomic>
#include <span>
#include <string>
#include <vector>

#include "detect/header_review.h"
#include "fits/fits.h"
#include "measure/measure.h"

namespace otf {

struct ForcedResult {
  HeaderReview header;
  std::vector<measure::Measurement> rows;  // one per place; NaN where the image has none
  std::vector<double> x, y;                // 0-based pixels; NaN off the image's sky
  double typicalRms = 0;
  int64_t cellPx = 0;
};

/// `raDeg`, `decDeg`: in the image's own equatorial frame. Noise is that of the whole image. Throws kBeamUnknown,
/// kInvalidArgument as reviewHeader, and what reading throws.
ForcedResult measurePlaces(FitsImage image, std::span<const double> raDeg, std::span<const double> decDeg,
                           int threads);

}  // namespace otf
