#include "engine/avx512/product.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/avx512/accumulate.h"

namespace otf::avx512 {
namespace {

using strips::Values;

constexpr int64_t kCacheLine = 64;

/// Of the next panel, as far as one block fetches it.
struct Ahead {
  const char* first;
  int64_t step;
};

template <Values kValues, int kRows>
OTF_AVX512_BF16 void multiplyBlock(const char* rows, int64_t stride, const char* panel, int quads,
                                   Ahead ahead, const Sums& sums) {
  __m512 sum[kRows][2] = {};
  accumulate<kValues, kRows, 2, true>(sum, rows, stride, panel, quads, ahead.first, ahead.step);
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
    _mm512_store_ps(sums.first + r * sums.stride, sum[r][0]);
    _mm512_store_ps(sums.first + r * sums.stride + kFloats, sum[r][1]);
  }
}

template <int kRows, int kVectors>
OTF_AVX512_BF16 void multiplyTaps(const Taps& taps, const float* first, const float* panel,
                                  const Finish& finish, float* to, int64_t pixel) {
  __m512 sum[kRows][kVectors] = {};
  for (int y = 0; y < taps.rows; ++y) {
    accumulate<Values::kFloat, kRows, kVectors, false>(
        sum, reinterpret_cast<const char*>(first + y * taps.row), taps.pixel * kQuad,
        reinterpret_cast<const char*>(panel) + int64_t{y} * taps.depth * kLine, taps.depth, nullptr, 0);
  }
  const __m512 leak = _mm512_set1_ps(finish.epilogue.leak);
  const __m512 gap = _mm512_set1_ps(finish.epilogue.gap);
#pragma GCC unroll 2
  for (int v = 0; v < kVectors; ++v) {
    const __mmask16 mask = firstOf(finish.filters - v * kFloats);
    const __m512 bias = _mm512_loadu_ps(finish.bias + v * kFloats);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const __m512 value = finished(_mm512_add_ps(sum[r][v], bias), leak, gap);
      _mm512_mask_storeu_ps(to + r * pixel + v * kFloats, mask, value);
    }
  }
}

using Block = void (*)(const char*, int64_t, const char*, int, Ahead, const Sums&);
using TapBlock = void (*)(const Taps&, const float*, const float*, const Finish&, float*, int64_t);

// By their number of rows.
template <Values kValues, size_t... kCounts>
constexpr std::array<Block, sizeof...(kCounts)> blocksOf(std::index_sequence<kCounts...>) {
  return {multiplyBlock<kValues, static_cast<int>(kCounts) + 1>...};
}
template <int kVectors, size_t... kCounts>
constexpr std::array<TapBlock, sizeof...(kCounts)> tapBlocksOf(std::index_sequence<kCounts...>) {
  return {multiplyTaps<static_cast<int>(kCounts) + 1, kVectors>...};
}
constexpr auto kFloats32 = blocksOf<Values::kFloat>(std::make_index_sequence<kBlock>());
constexpr auto kPairs = blocksOf<Values::kBf16>(std::make_index_sequence<kBlock>());
constexpr auto kNarrow = tapBlocksOf<1>(std::make_index_sequence<kBlock>());
constexpr auto kWide = tapBlocksOf<2>(std::make_index_sequence<kBlock>());

}  // namespace

void multiplyPanel(Values values, const Rows& rows, const char* panel, int quads, const char* next,
                   const Sums& sums) {
  const auto& blocks = values == Values::kFloat ? kFloats32 : kPairs;
  const int64_t half = quads * kLine / 2;
  for (int from = 0; from < rows.count; from += kBlock) {
    const int count = std::min(kBlock, rows.count - from);
    // A line for each quad: the first two blocks fetch all of it.
    const int block = from / kBlock;
    const Ahead ahead = block < 2 ? Ahead{next + block * half, kCacheLine} : Ahead{next, 0};
    blocks[static_cast<size_t>(count) - 1](rows.first + from * rows.stride, rows.stride, panel, quads, ahead,
                                           {sums.first + from * sums.stride, sums.stride});
  }
}

void multiplyPixels(const Taps& taps, int count, const float* panel, const Finish& finish, float* to,
                    int64_t pixel) {
  const auto& blocks = finish.filters > kFloats ? kWide : kNarrow;
  for (int from = 0; from < count; from += kBlock) {
    const int here = std::min(kBlock, count - from);
    blocks[static_cast<size_t>(here) - 1](taps, taps.first + from * taps.pixel, panel, finish,
                                          to + from * pixel, pixel);
  }
}

}  // namespace otf::avx512
