// The innermost loop of both kinds of products. Included by .cpp files only.
#pragma once

#include <cstdint>

#include "engine/avx512/product.h"
#include "engine/cpu/avx512.h"

namespace otf::avx512 {

/// sums[r] += rows[r][k] * panel[k], of `depth` k in order; from each k on a line is fetched `ahead`.
template <int kRows, int kVectors, bool kAhead>
OTF_AVX512 inline __attribute__((always_inline)) void accumulate(__m512 (&sums)[kRows][kVectors],
                                                                 const float* rows, int64_t stride,
                                                                 const float* panel, int depth,
                                                                 const float* ahead, int64_t step) {
  for (int k = 0; k < depth; ++k, panel += kPanel) {
    __m512 weights[kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) weights[v] = _mm512_load_ps(panel + v * kFloats);
    if constexpr (kAhead) {
      _mm_prefetch(reinterpret_cast<const char*>(ahead), _MM_HINT_T1);
      ahead += step;
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const __m512 value = _mm512_set1_ps(rows[r * stride + k]);
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) sums[r][v] = _mm512_fmadd_ps(value, weights[v], sums[r][v]);
    }
  }
}

}  // namespace otf::avx512
