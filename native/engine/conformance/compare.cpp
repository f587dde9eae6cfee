#include "engine/conformance/compare.h"

#include <algorithm>
#include <cmath>

namespace otf::conformance {

double worst(const float* a, const float* b, int64_t count, double absolute, double relative) {
  double result = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    const double excess = std::fabs(static_cast<double>(a[i]) - b[i]) /
                          (absolute + relative * std::fabs(static_cast<double>(b[i])));
    if (!(excess <= result)) result = std::isnan(excess) ? INFINITY : excess;
  }
  return result;
}

double worstOfRange(const float* a, const float* b, int64_t count) {
  float low = b[0];
  float high = b[0];
  double distance = 0;
  for (int64_t i = 0; i < count; ++i) {
    low = std::min(low, b[i]);
    high = std::max(high, b[i]);
    const double here = std::fabs(static_cast<double>(a[i]) - b[i]);
    if (!(here <= distance)) distance = std::isnan(here) ? INFINITY : here;
  }
  return distance / std::max(1e-30, static_cast<double>(high) - low);
}

}  // namespace otf::conformance
