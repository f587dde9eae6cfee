#include "engine/winograd/tile_product.h"

#include <algorithm>

#include "engine/cpu/tiles.h"

namespace otf::winograd {
namespace {

using avx512::kLine;
using avx512::kPanel;
using avx512::kQuad;

constexpr int64_t kCacheLine = 64;
constexpr int kFilters = kPanel / 2;                   // of a tile
constexpr int64_t kWeightsBytes = kTileQuads * kLine;  // of a panel that a product meets
constexpr int kLinesAhead =
    kWeightsBytes / kCacheLine / 2;  // the first two blocks fetch all of the next panel
// Tiles: sums of block and filters, then operands, then weights.
constexpr int kOperands = 4;
constexpr int kWeights = 6;

/// The lines of the next panel that come with a product.
void fetch(const char* next) {
  for (int i = 0; i < kLinesAhead; ++i) __builtin_prefetch(next + i * kCacheLine, 0, 2);
}

template <int kBlock>
void multiplyOperand(const char* from, int64_t stride) {
  tiles::load<kOperands + kBlock>(from, stride);
  tiles::multiply<2 * kBlock, kOperands + kBlock, kWeights>();
  tiles::multiply<2 * kBlock + 1, kOperands + kBlock, kWeights + 1>();
}
template <int kBlock>
void storeSums(float* to, int64_t stride) {
  tiles::store<2 * kBlock>(to, stride);
  tiles::store<2 * kBlock + 1>(to + kFilters, stride);
}

/// Of one or two blocks of pixels; `next`: of what is to be fetched, null: nothing.
template <bool kBoth>
void multiplyBlocks(const char* first, const char* second, int64_t stride, const char* panel, int quads,
                    const char* next, float* to, float* secondTo, int64_t sumStride) {
  tiles::zero<0>();
  tiles::zero<1>();
  if constexpr (kBoth) {
    tiles::zero<2>();
    tiles::zero<3>();
  }
  for (int64_t k = 0; k < quads; k += kTileQuads) {
    const char* const weights = panel + k * kLine;
    tiles::load<kWeights>(weights, kLine);
    tiles::load<kWeights + 1>(weights + kLine / 2, kLine);
    multiplyOperand<0>(first + k * kQuad, stride);
    if constexpr (kBoth) multiplyOperand<1>(second + k * kQuad, stride);
    if (next != nullptr) fetch(next + k * kLine / 2);
  }
  storeSums<0>(to, sumStride);
  if constexpr (kBoth) storeSums<1>(secondTo, sumStride);
}

}  // namespace

TilesHeld::TilesHeld(int rows) {
  tiles::Config config;
  for (int tile = 0; tile < 8; ++tile) {
    config.bytes[tile] = kCacheLine;
    config.rows[tile] = static_cast<uint8_t>(tile < kWeights ? std::min(rows, kTilePixels) : kTileQuads);
  }
  tiles::configure(config);
}
TilesHeld::~TilesHeld() { tiles::release(); }

void multiplyPanelOnTiles(const avx512::Rows& rows, const char* panel, int quads, const char* next,
                          const avx512::Sums& sums) {
  const int pixels = std::min(rows.count, kTilePixels);
  const int blocks = (rows.count + pixels - 1) / pixels;
  const int64_t sumStride = sums.stride * static_cast<int64_t>(sizeof(float));
  // The last block begins early rather than being narrower: some rows are multiplied twice, to the same.
  const auto rowOf = [&](int block) { return int64_t{std::min(block * pixels, rows.count - pixels)}; };
  const auto from = [&](int block) { return rows.first + rowOf(block) * rows.stride; };
  const auto to = [&](int block) { return sums.first + rowOf(block) * sums.stride; };
  for (int block = 0; block < blocks; block += 2) {
    const char* const ahead = block < 4 ? next + block / 2 * quads * (kLine / 2) : nullptr;
    if (block + 1 < blocks) {
      multiplyBlocks<true>(from(block), from(block + 1), rows.stride, panel, quads, ahead, to(block),
                           to(block + 1), sumStride);
    } else {
      multiplyBlocks<false>(from(block), nullptr, rows.stride, panel, quads, ahead, to(block), nullptr,
                            sumStride);
    }
  }
}

}  // namespace otf::winograd
