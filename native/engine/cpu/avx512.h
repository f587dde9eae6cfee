// Functions for AVX-512 in a build for baseline x86-64. Included by .cpp files only; who calls them has asked the CPU.
#pragma once

#include <immintrin.h>

#define OTF_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))
/// With BF16's. What uses none of these runs on CPUs without them, too.
#define OTF_AVX512_BF16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))

namespace otf::avx512 {

constexpr int kFloats = 16;  // of a vector

OTF_AVX512 inline __m512 finished(__m512 x, __m512 leak, __m512 gap) {
  // With a mask of all: GCC 12 warns of its own header where there is none (GCC bug 105593).
  constexpr __mmask16 kAll = 0xffff;
  const __m512 below = _mm512_mul_ps(x, leak);
  // The second operand wins where one is NaN: x.
  return _mm512_maskz_min_ps(kAll, _mm512_add_ps(below, gap), _mm512_maskz_max_ps(kAll, below, x));
}

/// The first `left` of a vector's values; all where there are more.
inline __mmask16 firstOf(int left) {
  return static_cast<__mmask16>(left >= kFloats ? 0xffffU : (1U << left) - 1U);
}

}  // namespace otf::avx512
