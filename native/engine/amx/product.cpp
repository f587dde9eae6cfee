#include "engine/amx/product.h"

#include <algorithm>

#include "engine/cpu/avx512.h"
#include "engine/cpu/tiles.h"

namespace otf::amx {
namespace {

constexpr int64_t kRowBytes = 64;  // of a tile
constexpr int64_t kTileBytes = kTileRows * kRowBytes;
constexpr int kSums = kTileRows * kTileRows;
// Of the operand: read again for every pair of tiles of filters, beside which it has to stay in the second-level cache.
constexpr int64_t kSliceBytes = 1 << 20;
// Of all weights: more than these do not stay in the second-level cache from one slice of the operand to the next.
constexpr int64_t kAheadBytes = 512 << 10;

#define OTF_AVX512_BF16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))

/// The filters of up to two tiles.
struct Filters {
  const float* bias;
  const Epilogue& epilogue;
  const Target& target;
  int count;
};

/// Sums of up to two blocks of pixels that are not where they go yet.
struct Pending {
  const float* sums = nullptr;
  char* to[2] = {};
  int pixels = 1;  // of a block
  int next = 0, end = 0;
};

/// The next `count` pixels, as far as there are any.
OTF_AVX512_BF16 void finish(Pending& pending, int count, const Filters& filters) {
  const __m512 leak = _mm512_set1_ps(filters.epilogue.leak);
  const __m512 gap = _mm512_set1_ps(filters.epilogue.gap);
  const __m512 lowBias = _mm512_loadu_ps(filters.bias);
  const __m512 highBias = _mm512_loadu_ps(filters.bias + kTileRows);
  const auto mask = static_cast<__mmask32>(filters.count >= 32 ? 0xffffffffU : (1U << filters.count) - 1U);
  const auto lowMask = static_cast<__mmask16>(mask);
  const auto highMask = static_cast<__mmask16>(mask >> 16);
  for (const int end = std::min(pending.end, pending.next + count); pending.next < end; ++pending.next) {
    const int block = pending.next >= pending.pixels ? 1 : 0;
    const int pixel = pending.next - block * pending.pixels;
    const float* const sums = pending.sums + 2 * block * kSums + pixel * kTileRows;
    char* const to = pending.to[block] + pixel * filters.target.pixel;
    const __m512 low = avx512::finished(_mm512_add_ps(_mm512_loadu_ps(sums), lowBias), leak, gap);
    __m512 high = _mm512_setzero_ps();
    if (highMask != 0)
      high = avx512::finished(_mm512_add_ps(_mm512_loadu_ps(sums + kSums), highBias), leak, gap);
    if (filters.target.floats) {
      _mm512_mask_storeu_ps(to, lowMask, low);
      _mm512_mask_storeu_ps(to + kRowBytes, highMask, high);
    } else {
      _mm512_mask_storeu_epi16(to, mask, (__m512i)_mm512_cvtne2ps_pbh(high, low));
    }
  }
}

#undef OTF_AVX512_BF16

/// The weights that come next, on their way to the second-level cache: a few lines at each product.
struct Ahead {
  const char* next = nullptr;
  const char* end = nullptr;
  int lines = 0;  // at a product

  void fetch() {
    for (int i = 0; i < lines && next < end; ++i, next += kRowBytes) __builtin_prefetch(next, 0, 2);
  }
};

/// Sums of `kBlocks` blocks of pixels times `kWide` tiles of filters: tiles 0 to 3; operands in 4 and 5, weights in 6, 7.
/// Between the products the vector unit finishes what is pending.
template <int kBlocks, int kWide>
void multiplyBlock(const Weights& weights, const char* const (&first)[2], const Operand& operand,
                   const char* packed, float* sums, Pending& pending, Ahead& ahead, const Filters& filters) {
  tiles::zero<0>();
  if constexpr (kWide > 1) tiles::zero<1>();
  if constexpr (kBlocks > 1) tiles::zero<2>();
  if constexpr (kBlocks > 1 && kWide > 1) tiles::zero<3>();
  const int64_t step = weights.depth() * kValue;
  const int products = weights.rows() * weights.chunks();
  const int share = (pending.end + products - 1) / products;
  for (int row = 0; row < weights.rows(); ++row) {
    const char* a = first[0] + row * operand.sourceRow;
    const char* b = kBlocks > 1 ? first[1] + row * operand.sourceRow : nullptr;
    for (int chunk = 0; chunk < weights.chunks(); ++chunk) {
      tiles::load<4>(a, operand.pixel);
      if constexpr (kBlocks > 1) tiles::load<5>(b, operand.pixel);
      tiles::load<6>(packed, kRowBytes);
      if constexpr (kWide > 1) tiles::load<7>(packed + kTileBytes, kRowBytes);
      tiles::multiply<0, 4, 6>();
      if constexpr (kWide > 1) tiles::multiply<1, 4, 7>();
      if constexpr (kBlocks > 1) tiles::multiply<2, 5, 6>();
      if constexpr (kBlocks > 1 && kWide > 1) tiles::multiply<3, 5, 7>();
      ahead.fetch();
      if (pending.next < pending.end) finish(pending, share, filters);
      a += step;
      if constexpr (kBlocks > 1) b += step;
      packed += kWide * kTileBytes;
    }
  }
  tiles::store<0>(sums, kRowBytes);
  if constexpr (kWide > 1) tiles::store<1>(sums + kSums, kRowBytes);
  if constexpr (kBlocks > 1) tiles::store<2>(sums + 2 * kSums, kRowBytes);
  if constexpr (kBlocks > 1 && kWide > 1) tiles::store<3>(sums + 3 * kSums, kRowBytes);
}

tiles::Config configOf(const Weights& weights, int pixels) {
  tiles::Config config;
  const auto depth = static_cast<uint16_t>(weights.depth() * kValue);
  for (int tile = 0; tile < 8; ++tile) {
    const bool isWeights = tile >= 6;
    config.rows[tile] = static_cast<uint8_t>(isWeights ? weights.depth() / 2 : pixels);
    config.bytes[tile] = tile == 4 || tile == 5 ? depth : static_cast<uint16_t>(kRowBytes);
  }
  return config;
}

/// Blocks of pixels: where each is read and where it goes.
struct Blocks {
  const Operand& operand;
  const Target& target;
  int pixels, perRow, width;

  int64_t x(int block) const { return std::min(block % perRow * pixels, width - pixels); }
  const char* from(int block) const {
    return operand.first + block / perRow * operand.outputRow + x(block) * operand.pixel;
  }
  char* to(int block) const { return target.first + block / perRow * target.row + x(block) * target.pixel; }
};

/// Blocks `begin` to `end`, two at a time, for the tiles of filters `tile` and, where there is one, `tile + 1`.
void multiplyPair(const Weights& weights, const Epilogue& epilogue, const Blocks& blocks, int begin, int end,
                  int tile) {
  alignas(64) float sums[2][4 * kSums];  // in turns: one is finished while the other is summed
  const char* const packed = weights.pair(tile / 2);
  const bool wide = tile + 1 < weights.tiles();
  const Filters filters{weights.bias() + tile * kTileRows, epilogue, blocks.target,
                        std::min(2 * kTileRows, weights.geometry().filters - tile * kTileRows)};
  const int64_t offset = tile * kTileRows * (blocks.target.floats ? int64_t{sizeof(float)} : kValue);
  const int products = weights.rows() * weights.chunks();
  const int twos = (end - begin + 1) / 2;
  Ahead ahead;
  if (weights.bytes() > kAheadBytes) {
    const int next = tile + 2 < weights.tiles() ? tile + 2 : 0;
    const int64_t bytes = products * kTileBytes * std::min(2, weights.tiles() - next);
    ahead.next = weights.pair(next / 2);
    ahead.end = ahead.next + bytes;
    ahead.lines =
        static_cast<int>((bytes / kRowBytes + int64_t{products} * twos - 1) / (int64_t{products} * twos));
  }
  Pending pending;
  int turn = 0;
  for (int block = begin; block < end; block += 2, turn ^= 1) {
    const bool both = block + 1 < end;
    const char* const first[2] = {blocks.from(block), both ? blocks.from(block + 1) : nullptr};
    float* const to = sums[turn];
    if (both && wide)
      multiplyBlock<2, 2>(weights, first, blocks.operand, packed, to, pending, ahead, filters);
    if (both && !wide)
      multiplyBlock<2, 1>(weights, first, blocks.operand, packed, to, pending, ahead, filters);
    if (!both && wide)
      multiplyBlock<1, 2>(weights, first, blocks.operand, packed, to, pending, ahead, filters);
    if (!both && !wide)
      multiplyBlock<1, 1>(weights, first, blocks.operand, packed, to, pending, ahead, filters);
    pending = {to,
               {blocks.to(block) + offset, both ? blocks.to(block + 1) + offset : nullptr},
               blocks.pixels,
               0,
               blocks.pixels * (both ? 2 : 1)};
  }
  finish(pending, pending.end, filters);
}

}  // namespace

void multiplyRows(const Weights& weights, const Epilogue& epilogue, const Operand& operand, int rows,
                  int width, const Target& target) {
  // The last block of a row begins early rather than being narrower: some pixels are computed twice, to the same.
  const int pixels = std::min(kTileRows, width);
  const int perRow = (width + pixels - 1) / pixels;
  const Blocks blocks{operand, target, pixels, perRow, width};
  const int64_t blockBytes = std::max<int64_t>(1, operand.outputRow / perRow);
  const int slice = static_cast<int>(std::max<int64_t>(1, kSliceBytes / blockBytes / 2)) * 2;
  tiles::configure(configOf(weights, pixels));
  for (int begin = 0; begin < perRow * rows; begin += slice) {
    const int end = std::min(perRow * rows, begin + slice);
    for (int tile = 0; tile < weights.tiles(); tile += 2)
      multiplyPair(weights, epilogue, blocks, begin, end, tile);
  }
  tiles::release();
}

}  // namespace otf::amx
