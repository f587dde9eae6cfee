// The innermost loop of both kinds of products. Included by .cpp files only.
#pragma once

#include <cstdint>
#include <cstring>

#include "engine/avx512/product.h"
#include "engine/cpu/avx512.h"

namespace otf::avx512 {

/// sums[r] += rows[r][k] * panel[k], of `quads` in order; from each on a line of the cache is fetched `ahead`.
template <strips::Values kValues, int kRows, int kVectors, bool kAhead>
OTF_AVX512_BF16 inline __attribute__((always_inline)) void accumulate(__m512 (&sums)[kRows][kVectors],
                                                                      const char* rows, int64_t stride,
                                                                      const char* panel, int quads,
                                                                      const char* ahead, int64_t step) {
  for (int k = 0; k < quads; ++k, panel += kLine) {
    __m512 weights[kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) weights[v] = _mm512_load_ps(panel + v * (kLine / 2));
    if constexpr (kAhead) {
      _mm_prefetch(ahead, _MM_HINT_T1);
      ahead += step;
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      float quad = 0;
      std::memcpy(&quad, rows + r * stride + int64_t{k} * kQuad, sizeof(quad));
      const __m512 value = _mm512_set1_ps(quad);
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        if constexpr (kValues == strips::Values::kFloat) {
          sums[r][v] = _mm512_fmadd_ps(value, weights[v], sums[r][v]);
        } else {
          sums[r][v] = _mm512_dpbf16_ps(sums[r][v], (__m512bh)value, (__m512bh)weights[v]);
        }
      }
    }
  }
}

}  // namespace otf::avx512
