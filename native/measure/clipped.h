// Statistics of values some of which are outliers.
#pragma once

#include <vector>

namespace otf::measure {

/// Median and deviation of values without those further than 3 deviations from the median, again until nothing changes; the
/// deviation is that of a whole Gaussian. NaN, NaN of fewer than 16. `values` are sorted.
struct ClippedStatistics {
  double centre, deviation;
};
ClippedStatistics clippedStatistics(std::vector<float>& values);

}  // namespace otf::measure
