#include "engine/amx/finish.h"

#include <algorithm>

#include "engine/amx/bytes.h"

namespace otf::amx {
namespace {

constexpr int kSums = kTileRows * kTileRows;

#define OTF_AVX512_BF16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))

OTF_AVX512_BF16 __m512 summed(const void* sums, int64_t index, const Filters& filters, int from) {
  const __m512 bias = _mm512_loadu_ps(filters.bias + from);
  if (filters.scale == nullptr)
    return _mm512_add_ps(_mm512_loadu_ps(static_cast<const float*>(sums) + index), bias);
  const __m512i whole = _mm512_add_epi32(_mm512_loadu_si512(static_cast<const int32_t*>(sums) + index),
                                         _mm512_loadu_si512(filters.correction + from));
  return _mm512_fmadd_ps(_mm512_maskz_cvtepi32_ps(0xffff, whole), _mm512_loadu_ps(filters.scale + from),
                         bias);
}

}  // namespace

OTF_AVX512_BF16 void finish(Pending& pending, int count, const Filters& filters) {
  const __m512 leak = _mm512_set1_ps(filters.epilogue.leak);
  const __m512 gap = _mm512_set1_ps(filters.epilogue.gap);
  const auto mask = static_cast<__mmask32>(filters.count >= 32 ? 0xffffffffU : (1U << filters.count) - 1U);
  const auto lowMask = static_cast<__mmask16>(mask);
  const auto highMask = static_cast<__mmask16>(mask >> 16);
  for (const int end = std::min(pending.end, pending.next + count); pending.next < end; ++pending.next) {
    const int block = pending.next >= pending.pixels ? 1 : 0;
    const int pixel = pending.next - block * pending.pixels;
    const int64_t at = 2 * block * kSums + pixel * kTileRows;
    char* const to = pending.to[block] + pixel * filters.target.pixel;
    const __m512 low = avx512::finished(summed(pending.sums, at, filters, 0), leak, gap);
    __m512 high = _mm512_setzero_ps();
    if (highMask != 0)
      high = avx512::finished(summed(pending.sums, at + kSums, filters, kTileRows), leak, gap);
    switch (filters.target.values) {
      case strips::Values::kFloat:
        _mm512_mask_storeu_ps(to, lowMask, low);
        _mm512_mask_storeu_ps(to + kRowBytes, highMask, high);
        break;
      case strips::Values::kBf16:
        _mm512_mask_storeu_epi16(to, mask, (__m512i)_mm512_cvtne2ps_pbh(high, low));
        break;
      case strips::Values::kUnsigned8:
        _mm256_mask_storeu_epi8(to, mask, bytesFrom(low, high, filters.inverse, filters.zeros));
        break;
    }
  }
}

}  // namespace otf::amx
