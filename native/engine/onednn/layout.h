// Where the elements of an activation tensor lie, for the kernels of our own that work between oneDNN's.
#pragma once

#include <cstdint>
#include <optional>

#include "model/network.h"

namespace otf::onednn {

/// Channels in blocks of `block` that lie side by side: 1 = C,D,H,W (plain); c = D,H,W,C (channels last); 16 = nChw16c.
/// Element (n, c, s), s = position in D,H,W, is at
///   n*itemStride + (c/block)*map*block + s*block + c%block
/// A last block that is not full is padded; padding stays zero.
struct Layout {
  int batch = 1, channels = 1;
  int64_t map = 1;  // D*H*W
  int block = 1;
  int blocks() const { return (channels + block - 1) / block; }
  int64_t itemStride() const { return blocks() * map * block; }
  int64_t offset(int n, int c, int64_t s) const {
    return n * itemStride() + (c / block) * map * block + s * block + c % block;
  }
  /// Valid channels of block b.
  int width(int b) const { return b + 1 < blocks() ? block : channels - b * block; }
};

enum class ElementType { kFloat, kBf16 };

/// bfloat16: the upper half of a float. Rounds to nearest even; NaN stays NaN.
struct Bf16 {
  uint16_t bits;
};

inline float toFloat(float x) { return x; }
inline float toFloat(Bf16 x) {
  const uint32_t bits = uint32_t{x.bits} << 16;
  return __builtin_bit_cast(float, bits);
}
inline void store(float& to, float x) { to = x; }
inline void store(Bf16& to, float x) {
  const auto bits = __builtin_bit_cast(uint32_t, x);
  const uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
  to.bits = static_cast<uint16_t>(x != x ? (bits >> 16) | 0x40U : rounded);
}

}  // namespace otf::onednn
