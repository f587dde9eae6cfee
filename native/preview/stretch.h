// From pixel values to the 255 levels of a palette.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace otf::preview {

/// As astropy.visualization has them: LogStretch(a = 1000), SqrtStretch, AsinhStretch(a = 0.1).
enum class Stretch { kLinear, kLog, kSqrt, kAsinh };

/// "linear", "log", "sqrt", "asinh", in this order; nullopt for other names.
std::span<const std::string_view> stretchNames();
std::optional<Stretch> stretchNamed(std::string_view name);

/// Values between which the colours lie, in the unit of the pixels. Below low is the lowest colour, above high the highest.
struct Cuts {
  double low = 0, high = 1;
};

/// [0,1] to [0,1].
double stretched(Stretch stretch, double share);

/// values[i] to levels[i]: 0 where it is NaN, else 1 + floor(255 * stretched share), at most 255. Cuts that leave nothing
/// between them (high <= low) count as 1 apart.
void toLevels(std::span<const float> values, Stretch stretch, Cuts cuts, std::span<uint8_t> levels);

}  // namespace otf::preview
