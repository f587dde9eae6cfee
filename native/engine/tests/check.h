// Comparisons shared by the engine's tests.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

namespace otf::test {

/// Worst |a-b| / (absolute + relative*|b|): at most 1 means within tolerance. NaN only matches NaN.
inline double worst(const float* a, const float* b, int64_t count, double absolute, double relative) {
  double result = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    const double excess = std::fabs(static_cast<double>(a[i]) - b[i]) /
                          (absolute + relative * std::fabs(static_cast<double>(b[i])));
    if (!(excess <= result)) result = std::isnan(excess) ? INFINITY : excess;
  }
  return result;
}

/// Largest |a-b| over the range (max-min) of b.
inline double worstOfRange(const std::vector<float>& a, const std::vector<float>& b) {
  float low = b[0];
  float high = b[0];
  double distance = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    low = std::min(low, b[i]);
    high = std::max(high, b[i]);
    distance = std::max(distance, std::fabs(static_cast<double>(a[i]) - b[i]));
  }
  return distance / std::max(1e-30, static_cast<double>(high) - low);
}

}  // namespace otf::test
