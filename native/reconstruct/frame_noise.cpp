#include "reconstruct/frame_noise.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <vector>

namespace otf {
namespace {

constexpr double kSigmaPerMad = 1.482602218505602;
constexpr double kClip = 5;
constexpr int kMostRounds = 10;

/// In the order of the values; the first bits share them out well whatever their scale is.
constexpr int kKeyBits = 12;

uint32_t keyOf(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return (bits >> 31 ? ~bits : bits | 0x80000000U) >> (32 - kKeyBits);
}

/// The value that stands at size / 2 in order: of the piece that a histogram says it is in.
float middle(const std::vector<float>& values, std::vector<float>& piece) {
  std::array<uint32_t, 1U << kKeyBits> counts{};
  for (const float v : values) ++counts[keyOf(v)];
  size_t before = 0;
  uint32_t key = 0;
  for (; before + counts[key] <= values.size() / 2; ++key) before += counts[key];
  piece.clear();
  std::copy_if(values.begin(), values.end(), std::back_inserter(piece),
               [&](float v) { return keyOf(v) == key; });
  const auto at = piece.begin() + static_cast<std::ptrdiff_t>(values.size() / 2 - before);
  std::nth_element(piece.begin(), at, piece.end());
  return *at;
}

}  // namespace

double frameNoise(std::span<const float> pixels) {
  std::vector<float> values;
  values.reserve(pixels.size());
  std::copy_if(pixels.begin(), pixels.end(), std::back_inserter(values),
               [](float v) { return !std::isnan(v); });
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  double sigma = 0;
  std::vector<float> deviations, piece;
  for (int round = 0; round < kMostRounds; ++round) {
    const float median = middle(values, piece);
    deviations.resize(values.size());
    std::transform(values.begin(), values.end(), deviations.begin(),
                   [&](float v) { return std::abs(v - median); });
    sigma = kSigmaPerMad * static_cast<double>(middle(deviations, piece));
    const size_t before = values.size();
    std::erase_if(values, [&](float v) { return static_cast<double>(std::abs(v - median)) > kClip * sigma; });
    if (values.size() == before || values.empty()) break;
  }
  return sigma;
}

}  // namespace otf
