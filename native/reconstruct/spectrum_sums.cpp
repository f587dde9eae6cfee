#include "reconstruct/spectrum_sums.h"

#include <algorithm>

#include "tensor/clones.h"

namespace otf {
namespace {

/// Floats of two of the widest vectors.
constexpr int kLanes = 32;

}  // namespace

OTF_CLONES void addWeighted(const float* values, const float* weights, int64_t count, float* const* sums) {
  static_assert(kSumsTogether == 4);
  float* const __restrict a = sums[0], * const __restrict b = sums[1];
  float* const __restrict c = sums[2], * const __restrict d = sums[3];
  const float w0 = weights[0], w1 = weights[1], w2 = weights[2], w3 = weights[3];
  for (int64_t v = 0; v < count; ++v) {
    a[v] += w0 * values[v];
    b[v] += w1 * values[v];
    c[v] += w2 * values[v];
    d[v] += w3 * values[v];
  }
}

OTF_CLONES void addValues(const float* values, int64_t count, float* sums) {
  for (int64_t v = 0; v < count; ++v) sums[v] += values[v];
}

OTF_CLONES float largestOf(const float* values, int64_t count) {
  float lanes[kLanes] = {}, largest = 0;
  int64_t v = 0;
  for (; v + kLanes <= count; v += kLanes) {
    for (int j = 0; j < kLanes; ++j) lanes[j] = lanes[j] < values[v + j] ? values[v + j] : lanes[j];
  }
  for (; v < count; ++v) largest = std::max(largest, values[v]);
  return std::max(largest, *std::max_element(lanes, lanes + kLanes));
}

OTF_CLONES double divideByPower(float floor, int64_t count, float* cross, float* power) {
  double lanes[kLanes] = {}, sum = 0;
  int64_t v = 0;
  for (; v + kLanes <= count; v += kLanes) {
    float share[kLanes];
    for (int j = 0; j < kLanes; ++j) {
      share[j] = 1 / (power[v + j] + floor);
      power[v + j] *= share[j];
      lanes[j] += static_cast<double>(power[v + j]);
    }
    for (int j = 0; j < kLanes; ++j) {
      cross[2 * (v + j)] *= share[j];
      cross[2 * (v + j) + 1] *= share[j];
    }
  }
  for (; v < count; ++v) {
    const float share = 1 / (power[v] + floor);
    power[v] *= share;
    sum += static_cast<double>(power[v]);
    cross[2 * v] *= share;
    cross[2 * v + 1] *= share;
  }
  for (const double lane : lanes) sum += lane;
  return sum;
}

}  // namespace otf
