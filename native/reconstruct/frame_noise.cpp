#include "reconstruct/frame_noise.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <vector>

namespace otf {
namespace {

constexpr double kSigmaPerMad = 1.482602218505602;
constexpr double kClip = 5;
constexpr int kMostRounds = 10;

float middle(std::vector<float>& values) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), at, values.end());
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
  for (int round = 0; round < kMostRounds; ++round) {
    const float median = middle(values);
    std::vector<float> deviations(values.size());
    std::transform(values.begin(), values.end(), deviations.begin(),
                   [&](float v) { return std::abs(v - median); });
    sigma = kSigmaPerMad * static_cast<double>(middle(deviations));
    const size_t before = values.size();
    std::erase_if(values, [&](float v) { return static_cast<double>(std::abs(v - median)) > kClip * sigma; });
    if (values.size() == before || values.empty()) break;
  }
  return sigma;
}

}  // namespace otf
