#include "engine/amx/weights.h"

#include <algorithm>
#include <cstring>

namespace otf::amx {
namespace {

constexpr int64_t kTileBytes = int64_t{kTileRows} * kTileDepth * kValue;
constexpr int kNarrow = 24;  // values: less would leave most of a tile's depth unused

uint16_t rounded(float x) {
  const auto bits = __builtin_bit_cast(uint32_t, x);
  if (x != x) return static_cast<uint16_t>((bits >> 16) | 0x40U);
  return static_cast<uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

/// As few equal parts of `values` as fit a tile's depth, each of an even number.
int chunksOf(int values) {
  int chunks = (values + kTileDepth - 1) / kTileDepth;
  while (values % chunks != 0 || values / chunks % 2 != 0) ++chunks;
  return chunks;
}

}  // namespace

Reading readingOf(const Geometry& g) {
  const int values = g.kernelW * g.channels;
  // Odd numbers of values and those without an even part of some size go through columns, which are padded.
  if (values % 2 != 0 || values < kNarrow || values / chunksOf(values) < kNarrow / 2)
    return Reading::kColumns;
  return g.padW == 0 && g.padH == 0 ? Reading::kDirect : Reading::kBorder;
}

Weights::Weights(const Geometry& geometry, const float* plain, const float* bias)
    : geometry_(geometry), reading_(readingOf(geometry)) {
  const Geometry& g = geometry_;
  const int across = g.kernelW * g.channels;
  if (reading_ == Reading::kColumns) {
    chunks_ = (g.kernelH * across + kTileDepth - 1) / kTileDepth;
  } else {
    rows_ = g.kernelH;
    chunks_ = chunksOf(across);
    depth_ = across / chunks_;
  }
  bias_.assign(static_cast<size_t>((tiles() + 1) / 2 * 2 * kTileRows), 0.0F);
  std::copy_n(bias, g.filters, bias_.begin());
  const int products = rows_ * chunks_;
  packed_ = Buffer(static_cast<size_t>(tiles() * products * kTileBytes));
  std::memset(packed_.data(), 0, packed_.bytes());
  for (int f = 0; f < g.filters; ++f) {
    const int tile = f / kTileRows;
    const int width = std::min(2, tiles() - tile / 2 * 2);
    char* const first = const_cast<char*>(pair(tile / 2)) + tile % 2 * kTileBytes;
    for (int y = 0; y < g.kernelH; ++y) {
      for (int value = 0; value < across; ++value) {
        const int row = reading_ == Reading::kColumns ? 0 : y;
        const int at = reading_ == Reading::kColumns ? y * across + value : value;
        const int product = row * chunks_ + at / depth_;
        const int k = at % depth_;
        // Pairs of values side by side. Source: Intel SDM, TDPBF16PS.
        auto* const to = reinterpret_cast<uint16_t*>(first + int64_t{product} * width * kTileBytes) +
                         k / 2 * kTileDepth + f % kTileRows * 2 + k % 2;
        const int channel = value % g.channels;
        const int x = value / g.channels;
        *to = rounded(plain[((int64_t{f} * g.channels + channel) * g.kernelH + y) * g.kernelW + x]);
      }
    }
  }
}

const char* Weights::pair(int pair) const {
  return static_cast<const char*>(packed_.data()) + int64_t{2} * pair * rows_ * chunks_ * kTileBytes;
}

}  // namespace otf::amx
