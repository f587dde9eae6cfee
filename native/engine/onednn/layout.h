// Where the elements of an activation tensor lie, for the kernels of our own that work between oneDNN's.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/cpu/bf16.h"
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

using otf::Bf16;
using otf::toFloat;
inline float toFloat(float x) { return x; }
inline void store(float& to, float x) { to = x; }
inline void store(Bf16& to, float x) { to = toBf16(x); }

}  // namespace otf::onednn
