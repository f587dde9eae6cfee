// Units of pixels: spellings met in the field, and factors between those of one kind.
// Source: FITS Standard 4.0 section 4.3 (prefixes, spellings); AIPS writes units in capitals.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace otf::fits {

/// A product of powers, e.g. 1e-3 x Jy^1 beam^-1.
struct PixelUnit {
  double factor = 1;
  std::map<std::string, int> powers;
  /// Something in the spelling that was decided, for a warning; "" = nothing.
  std::string note;
};

/// nullopt: not to be understood as a unit.
std::optional<PixelUnit> parsePixelUnit(std::string_view text);

/// What a value in `from` is multiplied by to be in `to`; nullopt when they are of different kinds.
std::optional<double> factorBetween(const PixelUnit& from, const PixelUnit& to);

/// A window in another unit: pixels[r * stride + c] times `factor`, as a double. 1 changes nothing.
void multiplyWindow(float* pixels, int64_t columns, int64_t rows, int64_t stride, double factor);

}  // namespace otf::fits
