// How far an engine's answer is from the expected one.
#pragma once

#include <cstdint>
#include <vector>

namespace otf::conformance {

/// Worst |a-b| / (absolute + relative*|b|): at most 1 means within tolerance. NaN only matches NaN.
double worst(const float* a, const float* b, int64_t count, double absolute, double relative);

/// Largest |a-b| over the range (max-min) of b; infinite where either is not a number.
double worstOfRange(const float* a, const float* b, int64_t count);
inline double worstOfRange(const std::vector<float>& a, const std::vector<float>& b) {
  return worstOfRange(a.data(), b.data(), std::ssize(b));
}

}  // namespace otf::conformance
