// Rows of values times a panel of weights, in FP32 or BF16.
#pragma once

#include <cstdint>

#include "engine/cpu/epilogue.h"
#include "engine/strips/layer.h"

namespace otf::avx512 {

constexpr int kPanel = 32;  // filters of a panel
constexpr int kBlock = 14;  // rows whose sums with a panel fit in the registers beside what is multiplied
constexpr int kQuad = 4;    // bytes of a row that meet a filter at once: a float, or two of BF16
constexpr int64_t kLine = kPanel * kQuad;  // bytes of a panel that a quad meets

/// `count` rows, `stride` bytes from one to the next.
struct Rows {
  const char* first = nullptr;
  int64_t stride = 0;
  int count = 0;
};
struct Sums {
  float* first = nullptr;  // 64-byte aligned
  int64_t stride = 0;      // values, whole vectors
};

/// sums[row][filter] = the sum over k of rows[row][k] * panel[k][filter], quads in order: what a row becomes does not depend on
/// those beside it. `panel`: `quads` times kLine bytes, 64-byte aligned, the quads of its filters side by side. `next`: the panel
/// that is multiplied after it, which is fetched into the second-level cache meanwhile. Needs AVX-512, for kBf16 with BF16.
void multiplyPanel(strips::Values values, const Rows& rows, const char* panel, int quads, const char* next,
                   const Sums& sums);

/// What lies below the kernel of the first pixel of a row: `depth` floats side by side in each of `rows` rows.
struct Taps {
  const float* first = nullptr;
  int64_t pixel = 0, row = 0;  // values from one pixel of the output, and one row of the source, to the next
  int rows = 1, depth = 1;
};
struct Finish {
  const float* bias = nullptr;  // kPanel
  Epilogue epilogue;
  int filters = kPanel;  // that there are
};

/// The same sums for `count` pixels, their taps row by row, with what follows them; `pixel` values from one to the next.
void multiplyPixels(const Taps& taps, int count, const float* panel, const Finish& finish, float* to,
                    int64_t pixel);

}  // namespace otf::avx512
