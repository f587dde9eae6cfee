// Floats to bytes of a map. Included by .cpp files only; who calls this has asked the CPU.
#pragma once

#include "engine/cpu/avx512.h"

namespace otf::narrow {

OTF_AVX512 inline __m512i wholeFrom(__m512 x, const float* inverse, const float* zeros) {
  constexpr __mmask16 kAll = 0xffff;  // as in avx512::finished
  const __m512 scaled = _mm512_fmadd_ps(x, _mm512_loadu_ps(inverse), _mm512_loadu_ps(zeros));
  // Too much for a whole number would become the least. The second operand wins where one is NaN.
  return _mm512_maskz_cvtps_epi32(kAll, _mm512_maskz_min_ps(kAll, scaled, _mm512_set1_ps(255.0F)));
}

/// Of two vectors of consecutive channels, whose 32 factors are given.
OTF_AVX512 inline __m256i bytesFrom(__m512 low, __m512 high, const float* inverse, const float* zeros) {
  // Both saturate, and work on quarters of a vector: four of `low`, four of `high`, then the next.
  const __m512i shorts = _mm512_packs_epi32(
      wholeFrom(low, inverse, zeros), wholeFrom(high, inverse + avx512::kFloats, zeros + avx512::kFloats));
  const __m512i quarters = _mm512_packus_epi16(shorts, shorts);
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 0, 0, 0, 0, 0, 0, 0, 0);
  return _mm512_castsi512_si256(_mm512_maskz_permutexvar_epi32(0xffff, order, quarters));
}

}  // namespace otf::narrow
