#include "measure/clipped.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace otf::measure {
namespace {

constexpr size_t kFewestSamples = 16;
constexpr double kClip = 3;
/// Deviation of a Gaussian cut at 3 deviations.
constexpr double kClippedDeviation = 0.98658;

/// Bits whose order as numbers is that of the floats, and back.
uint32_t keyOf(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return bits ^ (bits >> 31 ? 0xFFFFFFFFU : 0x80000000U);
}
float valueOf(uint32_t key) { return std::bit_cast<float>(key ^ (key >> 31 ? 0x80000000U : 0xFFFFFFFFU)); }

/// Byte by byte, the lowest first: several times as fast as comparisons for the hundreds of values of a cell.
void sortFloats(std::vector<float>& values) {
  constexpr size_t kBytes = sizeof(float), kDigits = 256;
  std::array<std::array<uint32_t, kDigits>, kBytes> places{};
  std::vector<uint32_t> keys(values.size()), other(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    keys[i] = keyOf(values[i]);
    for (size_t byte = 0; byte < kBytes; ++byte) ++places[byte][keys[i] >> (8 * byte) & 0xFF];
  }
  for (size_t byte = 0; byte < kBytes; ++byte) {
    uint32_t before = 0;
    for (uint32_t& place : places[byte]) {
      const uint32_t count = place;
      place = before;
      before += count;
    }
    for (const uint32_t key : keys) other[places[byte][key >> (8 * byte) & 0xFF]++] = key;
    keys.swap(other);
  }
  std::ranges::transform(keys, values.begin(), valueOf);
}

/// Of sorted values [begin, end).
double medianOf(const std::vector<float>& values, size_t begin, size_t end) {
  const size_t half = begin + (end - begin) / 2;
  return (end - begin) % 2 == 1 ? values[half] : (double{values[half - 1]} + values[half]) / 2;
}

/// Median of the distances from the centre: from both sides of it, the nearest first.
double medianDistance(const std::vector<float>& values, double centre) {
  size_t above = static_cast<size_t>(std::ranges::lower_bound(values, centre) - values.begin()),
         below = above;
  double last = 0, before = 0;
  for (size_t taken = 0; taken <= values.size() / 2; ++taken) {
    before = last;
    const double up =
        above < values.size() ? values[above] - centre : std::numeric_limits<double>::infinity();
    const double down = below > 0 ? centre - values[below - 1] : std::numeric_limits<double>::infinity();
    last = std::min(up, down);
    up <= down ? ++above : --below;
  }
  return values.size() % 2 == 1 ? last : (before + last) / 2;
}

struct Sums {
  double values = 0, squares = 0;
  void operator-=(const Sums& other) {
    values -= other.values;
    squares -= other.squares;
  }
};

/// Of values [begin, end), counted from `origin`; several at once, for each waits for the number before.
Sums sumsOf(const std::vector<float>& values, size_t begin, size_t end, double origin) {
  constexpr size_t kAtOnce = 4;
  std::array<Sums, kAtOnce> parts;
  for (size_t i = begin; i < end; ++i) {
    Sums& part = parts[(i - begin) % kAtOnce];
    const double d = values[i] - origin;
    part.values += d;
    part.squares += d * d;
  }
  return {(parts[0].values + parts[1].values) + (parts[2].values + parts[3].values),
          (parts[0].squares + parts[1].squares) + (parts[2].squares + parts[3].squares)};
}

}  // namespace

ClippedStatistics clippedStatistics(std::vector<float>& values) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  if (values.size() < kFewestSamples) return {kNaN, kNaN};
  sortFloats(values);
  size_t begin = 0, end = values.size();
  double centre = medianOf(values, begin, end);
  double deviation = 1.4826 * medianDistance(values, centre);
  // Of what is left, from the median so that nothing is lost; outliers are never among them.
  const double origin = centre;
  Sums left;
  constexpr int kMostRounds = 20;
  for (int round = 0; round < kMostRounds; ++round) {
    const double low = centre - kClip * deviation, high = centre + kClip * deviation;
    const auto first = values.begin() + static_cast<std::ptrdiff_t>(begin),
               last = values.begin() + static_cast<std::ptrdiff_t>(end);
    const auto from = static_cast<size_t>(std::lower_bound(first, last, low) - values.begin());
    const auto to = static_cast<size_t>(std::upper_bound(first, last, high) - values.begin());
    if (to < from + kFewestSamples) break;
    const auto n = static_cast<double>(to - from);
    if (round == 0) {
      left = sumsOf(values, from, to, origin);
    } else {
      left -= sumsOf(values, begin, from, origin);
      left -= sumsOf(values, to, end, origin);
    }
    const double mean = left.values / n;
    const double next = std::sqrt(std::max(left.squares / n - mean * mean, 0.0)) / kClippedDeviation;
    const bool done = from == begin && to == end && std::abs(next - deviation) <= 1e-6 * deviation;
    begin = from;
    end = to;
    centre = medianOf(values, begin, end);
    deviation = next;
    if (done) break;
  }
  return {centre, deviation};
}

}  // namespace otf::measure
