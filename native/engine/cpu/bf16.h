// bfloat16: the upper half of a float.
#pragma once

#include <cstdint>

namespace otf {

struct Bf16 {
  uint16_t bits;
};

inline float toFloat(Bf16 x) { return __builtin_bit_cast(float, uint32_t{x.bits} << 16); }

/// To nearest even; NaN stays NaN.
inline Bf16 toBf16(float x) {
  const auto bits = __builtin_bit_cast(uint32_t, x);
  if (x != x) return {static_cast<uint16_t>((bits >> 16) | 0x40U)};
  return {static_cast<uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16)};
}

}  // namespace otf
