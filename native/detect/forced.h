// Flux densities at given places, without a network (docs/measurement.md).
#pragma once

#include <atomic>
#include <span>
#include <string>
#include <vector>

#include "detect/detector.h"
#include "detect/header_review.h"
#include "fits/fits.h"
#include "measure/measure.h"

namespace otf {

/// One row per place.
struct PlacesMeasured {
  std::vector<measure::Measurement> rows;  // NaN where the region has no such place
  std::vector<double> x, y;                // 0-based pixels; NaN outside the region
};

struct ForcedResult {
  HeaderReview header;
  PlacesMeasured places;
  double typicalRms = 0;
  int64_t cellPx = 0;
};

/// `raDeg`, `decDeg`: in the image's own equatorial frame, which it must have, with a beam (beamPixels).
PlacesMeasured measureSky(const HeaderReview& header, const Region& region,
                          const measure::ImagePixels& pixels, const measure::NoiseMap& noise,
                          std::span<const double> raDeg, std::span<const double> decDeg,
                          const measure::MeasureOptions& options);

/// `raDeg`, `decDeg`: in the image's own equatorial frame. Noise is that of the whole image. Throws kBeamUnknown,
/// kInvalidArgument as reviewHeader, and what reading throws.
ForcedResult measurePlaces(FitsImage image, std::span<const double> raDeg, std::span<const double> decDeg,
                           int threads);

}  // namespace otf
