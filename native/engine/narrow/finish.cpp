#include "engine/narrow/finish.h"

#include <algorithm>

#include "engine/narrow/bytes.h"

namespace otf::narrow {
namespace {

/// Of sixteen filters: what their sums become before RELU.
template <bool kBytes>
struct Terms {
  __m512 bias, scale;
  __m512i correction;

  OTF_AVX512_BF16 Terms(const Filters& filters, int from) : bias(_mm512_loadu_ps(filters.bias + from)) {
    if constexpr (kBytes) {
      scale = _mm512_loadu_ps(filters.scale + from);
      correction = _mm512_loadu_si512(filters.correction + from);
    }
  }
  OTF_AVX512_BF16 __m512 of(const int32_t* sums) const {
    if constexpr (kBytes) {
      const __m512i whole = _mm512_add_epi32(_mm512_loadu_si512(sums), correction);
      return _mm512_fmadd_ps(_mm512_maskz_cvtepi32_ps(0xffff, whole), scale, bias);
    } else {
      return _mm512_add_ps(_mm512_castsi512_ps(_mm512_loadu_si512(sums)), bias);
    }
  }
};

/// Pixels of one block, of up to 16 or, with `kBoth`, 32 filters.
template <strips::Values kValues, bool kBytes, bool kBoth>
OTF_AVX512_BF16 void finishSome(const int32_t* sums, char* to, int count, const Filters& filters) {
  const __m512 leak = _mm512_set1_ps(filters.epilogue.leak);
  const __m512 gap = _mm512_set1_ps(filters.epilogue.gap);
  const auto mask = static_cast<__mmask32>(filters.count >= 32 ? 0xffffffffU : (1U << filters.count) - 1U);
  const auto lowMask = static_cast<__mmask16>(mask);
  const auto highMask = static_cast<__mmask16>(mask >> 16);
  const Terms<kBytes> lowTerms(filters, 0);
  const Terms<kBytes> highTerms(filters, kBoth ? kTileRows : 0);
  const float* const inverse = filters.inverse;
  const float* const zeros = filters.zeros;
  const int64_t step = filters.target.pixel;
  for (int i = 0; i < count; ++i, sums += kTileRows, to += step) {
    const __m512 low = avx512::finished(lowTerms.of(sums), leak, gap);
    __m512 high = _mm512_setzero_ps();
    if constexpr (kBoth) high = avx512::finished(highTerms.of(sums + kTileSums), leak, gap);
    if constexpr (kValues == strips::Values::kFloat) {
      _mm512_mask_storeu_ps(to, lowMask, low);
      if constexpr (kBoth) _mm512_mask_storeu_ps(to + kRowBytes, highMask, high);
    } else if constexpr (kValues == strips::Values::kBf16) {
      _mm512_mask_storeu_epi16(to, mask, (__m512i)_mm512_cvtne2ps_pbh(high, low));
    } else {
      _mm256_mask_storeu_epi8(to, mask, bytesFrom(low, high, inverse, zeros));
    }
  }
}

template <bool kBytes, bool kBoth>
void finishSome(const int32_t* sums, char* to, int count, const Filters& filters) {
  switch (filters.target.values) {
    case strips::Values::kFloat:
      return finishSome<strips::Values::kFloat, kBytes, kBoth>(sums, to, count, filters);
    case strips::Values::kBf16:
      return finishSome<strips::Values::kBf16, kBytes, kBoth>(sums, to, count, filters);
    case strips::Values::kUnsigned8:
      return finishSome<strips::Values::kUnsigned8, kBytes, kBoth>(sums, to, count, filters);
  }
}

template <bool kBytes>
void finishSome(const int32_t* sums, char* to, int count, const Filters& filters) {
  if (filters.count > kTileRows) {
    finishSome<kBytes, true>(sums, to, count, filters);
  } else {
    finishSome<kBytes, false>(sums, to, count, filters);
  }
}

}  // namespace

Filters filtersOf(const Weights& weights, const Epilogue& epilogue, const strips::Target& target,
                  const Quantised* quantised, int tile, int tiles) {
  const int first = tile * kTileRows;
  const bool bytes = weights.element() == Element::kInt8;
  return {weights.bias() + first,
          bytes ? weights.correction() + first : nullptr,
          bytes ? weights.scale() + first : nullptr,
          quantised != nullptr ? quantised->inverse.data() + first : nullptr,
          quantised != nullptr ? quantised->zeros.data() + first : nullptr,
          epilogue,
          target,
          std::min(tiles * kTileRows, weights.geometry().filters - first)};
}

void finish(Pending& pending, int count, const Filters& filters) {
  for (const int end = std::min(pending.end, pending.next + count); pending.next < end;) {
    const int block = pending.next / pending.pixels;
    const int pixel = pending.next - block * pending.pixels;
    const int some = std::min(end - pending.next, pending.pixels - pixel);
    const int32_t* const sums = pending.sums + block * pending.blockSums + pixel * kTileRows;
    char* const to = pending.to[block] + pixel * filters.target.pixel;
    if (filters.scale != nullptr) {
      finishSome<true>(sums, to, some, filters);
    } else {
      finishSome<false>(sums, to, some, filters);
    }
    pending.next += some;
  }
}

}  // namespace otf::narrow
