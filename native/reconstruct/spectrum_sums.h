// Sums over the values of spectra, as fast as the machine's vector unit.
#pragma once

#include <cstdint>

namespace otf {

/// Sums of one block that go on at once.
constexpr int kSumsTogether = 4;

/// sums[i][v] += weights[i] * values[v], v in [0, count), i in [0, kSumsTogether): each value is fetched once for all sums. None of
/// them may lie over another.
void addWeighted(const float* values, const float* weights, int64_t count, float* const* sums);

/// sums[v] += values[v]
void addValues(const float* values, int64_t count, float* sums);

/// Of no values: 0. None is below 0.
float largestOf(const float* values, int64_t count);

/// Regularised: cross[v] /= power[v] + floor, power[v] the same; returns the sum of what power is then.
/// `cross`: complex, as pairs.
double divideByPower(float floor, int64_t count, float* cross, float* power);

}  // namespace otf
