// What one reading of a whole plane tells of it.
#pragma once

#include <cstdint>
#include <vector>

#include "fits/fits.h"
#include "preview/reduce.h"
#include "preview/stretch.h"

namespace otf::preview {

/// Of the finite pixels, in their unit; all 0 when finite is 0. zscale: see zscale.h.
struct PlaneStatistics {
  int64_t finite = 0, blank = 0;
  double min = 0, max = 0, mean = 0, std = 0;
  Cuts zscale;
};

/// Quantiles come of so many evenly spaced finite pixels; planes of fewer pixels give all of them.
constexpr int64_t kSampledPx = int64_t{1} << 20;

struct PlaneScan {
  PlaneStatistics statistics;
  std::vector<float> sorted;  // the sample, ascending
  BlockSums sums;             // of the whole plane
};

/// Reads the plane in bands, once; a second time when zscale's sample cannot be known before the blanks are counted. Throws
/// as FitsImage::readWindow.
PlaneScan scanPlane(FitsImage& image, int64_t step);

}  // namespace otf::preview
