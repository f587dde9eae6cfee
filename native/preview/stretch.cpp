#include "preview/stretch.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace otf::preview {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"linear", "log", "sqrt", "asinh"};
constexpr double kLogA = 1000, kAsinhA = 0.1;

/// One loop per stretch: the choice is outside.
template <typename Function>
void eachLevel(std::span<const float> values, Cuts cuts, std::span<uint8_t> levels, Function function) {
  const double range = cuts.high > cuts.low ? cuts.high - cuts.low : 1;
  for (size_t i = 0; i < values.size(); ++i) {
    const float value = values[i];
    if (std::isnan(value)) {
      levels[i] = 0;
      continue;
    }
    const double share = std::clamp((value - cuts.low) / range, 0.0, 1.0);
    levels[i] = static_cast<uint8_t>(1 + std::min(254, static_cast<int>(255 * function(share))));
  }
}

double logarithmic(double share) { return std::log(kLogA * share + 1) / std::log(kLogA + 1); }
double hyperbolic(double share) { return std::asinh(share / kAsinhA) / std::asinh(1 / kAsinhA); }

}  // namespace

std::span<const std::string_view> stretchNames() { return kNames; }

std::optional<Stretch> stretchNamed(std::string_view name) {
  const auto* found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Stretch>(found - kNames.begin());
}

double stretched(Stretch stretch, double share) {
  switch (stretch) {
    case Stretch::kLinear:
      return share;
    case Stretch::kLog:
      return logarithmic(share);
    case Stretch::kSqrt:
      return std::sqrt(share);
    case Stretch::kAsinh:
      return hyperbolic(share);
  }
  return share;
}

void toLevels(std::span<const float> values, Stretch stretch, Cuts cuts, std::span<uint8_t> levels) {
  switch (stretch) {
    case Stretch::kLinear:
      return eachLevel(values, cuts, levels, [](double share) { return share; });
    case Stretch::kLog:
      return eachLevel(values, cuts, levels, logarithmic);
    case Stretch::kSqrt:
      return eachLevel(values, cuts, levels, [](double share) { return std::sqrt(share); });
    case Stretch::kAsinh:
      return eachLevel(values, cuts, levels, hyperbolic);
  }
}

}  // namespace otf::preview
