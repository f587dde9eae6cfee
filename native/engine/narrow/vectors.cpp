// Products on vectors of AVX-512: a quad of bytes of a pixel meets sixteen filters at once, in the order of AMX's tiles.
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "engine/cpu/avx512.h"
#include "engine/narrow/finish.h"
#include "engine/narrow/product.h"

namespace otf::narrow {
namespace {

#define OTF_AVX512_NARROW __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx512vnni")))

constexpr int kPixels = 14;  // of a block: their sums, the weights and a value take all 32 registers
constexpr int kPair = 2;     // tiles of filters
constexpr int64_t kAhead = kPair * kTileBytes;  // weights of the product that follows
// Of the second-level cache: for the operand, which is read again for every pair of tiles of filters, and for that pair, which is
// read again for every block of pixels.
constexpr int64_t kHeldBytes = 704 << 10;
constexpr int64_t kLeastSlice = 192 << 10;  // of the operand

/// sums += value * weights: pairs of bfloat16 into floats, or quads of unsigned with signed bytes into 32-bit integers.
template <Element kElement>
OTF_AVX512_NARROW inline __attribute__((always_inline)) __m512i multiplied(__m512i sums, __m512i value,
                                                                           __m512i weights) {
  if constexpr (kElement == Element::kBf16) {
    return _mm512_castps_si512(
        _mm512_dpbf16_ps(_mm512_castsi512_ps(sums), (__m512bh)value, (__m512bh)weights));
  } else {
    return _mm512_dpbusd_epi32(sums, value, weights);
  }
}

/// Sums of `kRows` pixels, from `from` on, of all products with `kTiles` tiles of filters.
template <Element kElement, int kTiles, int kRows>
OTF_AVX512_NARROW void multiplyBlock(const Weights& weights, const Operand& operand, const char* from,
                                     const char* packed, int32_t* to) {
  __m512i sums[kRows][kTiles] = {};
  const int64_t pixel = operand.pixel;
  const int64_t depth = weights.depthBytes();
  for (int part = 0; part < weights.parts(); ++part) {
    for (int row = 0; row < weights.rows(); ++row) {
      const char* at = from + part * operand.part + row * operand.sourceRow;
      for (int tap = 0; tap < weights.taps(); ++tap, at += operand.tap, packed += kTiles * kTileBytes) {
        for (int64_t quad = 0; quad < depth; quad += kQuad) {
          __m512i filters[kTiles];
#pragma GCC unroll 2
          for (int t = 0; t < kTiles; ++t) {
            const char* const line = packed + t * kTileBytes + quad * (kRowBytes / kQuad);
            filters[t] = _mm512_load_si512(line);
            _mm_prefetch(line + kAhead, _MM_HINT_T0);
          }
#pragma GCC unroll 16
          for (int r = 0; r < kRows; ++r) {
            int32_t value = 0;
            std::memcpy(&value, at + r * pixel + quad, sizeof(value));
            const __m512i everywhere = _mm512_set1_epi32(value);
#pragma GCC unroll 2
            for (int t = 0; t < kTiles; ++t)
              sums[r][t] = multiplied<kElement>(sums[r][t], everywhere, filters[t]);
          }
        }
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
    for (int t = 0; t < kTiles; ++t) _mm512_store_si512(to + t * kTileSums + r * kTileRows, sums[r][t]);
  }
}

using Block = void (*)(const Weights&, const Operand&, const char*, const char*, int32_t*);

// By their number of pixels.
template <Element kElement, int kTiles, size_t... kCounts>
constexpr std::array<Block, sizeof...(kCounts)> blocksOf(std::index_sequence<kCounts...>) {
  return {multiplyBlock<kElement, kTiles, static_cast<int>(kCounts) + 1>...};
}
template <Element kElement, int kTiles>
constexpr auto kBlocks = blocksOf<kElement, kTiles>(std::make_index_sequence<kPixels>());

/// Rows `begin` to `end` for one or two tiles of filters. Blocks below each other follow each other: they read the same source rows.
template <Element kElement, int kTiles>
void multiplyTiles(const Weights& weights, const Operand& operand, int begin, int end, int width,
                   const Filters& filters, int tile) {
  alignas(64) int32_t sums[kPair * kTileSums];
  const int64_t offset = int64_t{tile} * kTileRows * strips::bytesOf(filters.target.values);
  const int blocks = (width + kPixels - 1) / kPixels;
  for (int block = 0; block < blocks; ++block) {
    const int x = width * block / blocks;
    const int pixels = width * (block + 1) / blocks - x;
    const Block multiply = kBlocks<kElement, kTiles>[static_cast<size_t>(pixels) - 1];
    for (int y = begin; y < end; ++y) {
      multiply(weights, operand, operand.first + y * operand.outputRow + x * operand.pixel,
               weights.packed(tile), sums);
      Pending pending{sums, {}, kPair * kTileSums, pixels, 0, pixels};
      pending.to[0] = filters.target.first + y * filters.target.row + x * filters.target.pixel + offset;
      finish(pending, pixels, filters);
    }
  }
}

template <Element kElement>
void multiplySlice(const Weights& weights, const Epilogue& epilogue, const Operand& operand, int begin,
                   int end, int width, const Target& target, const Quantised* quantised) {
  for (int tile = 0; tile < weights.tiles(); tile += kPair) {
    const Filters filters = filtersOf(weights, epilogue, target, quantised, tile, kPair);
    if (tile + 1 < weights.tiles()) {
      multiplyTiles<kElement, 2>(weights, operand, begin, end, width, filters, tile);
    } else {
      multiplyTiles<kElement, 1>(weights, operand, begin, end, width, filters, tile);
    }
  }
}

}  // namespace

void multiplyRowsOnVectors(const Weights& weights, const Epilogue& epilogue, const Operand& operand, int rows,
                           int width, const Target& target, const Quantised* quantised) {
  const int64_t pair = kPair * kTileBytes * weights.products();
  const int64_t bytes = std::max(kLeastSlice, kHeldBytes - pair);
  const int slice =
      static_cast<int>(std::clamp<int64_t>(bytes / std::max<int64_t>(1, operand.outputRow), 1, rows));
  for (int begin = 0; begin < rows; begin += slice) {
    const int end = std::min(rows, begin + slice);
    if (weights.element() == Element::kInt8) {
      multiplySlice<Element::kInt8>(weights, epilogue, operand, begin, end, width, target, quantised);
    } else {
      multiplySlice<Element::kBf16>(weights, epilogue, operand, begin, end, width, target, quantised);
    }
  }
}

}  // namespace otf::narrow
