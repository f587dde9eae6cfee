// Rows of output pixels as products of tiles.
#pragma once

#include <cstdint>

#include "engine/amx/weights.h"

namespace otf::amx {

/// min(max(x, leak*x), leak*x + gap): CIANNA's RELU when 0 <= leak <= 1, gap = (1-leak)*saturation > 0; leak 1 with an
/// infinite gap changes nothing. NaN stays NaN.
struct Epilogue {
  float leak = 1.0F;
  float gap = __builtin_huge_valf();
};

/// What output rows are computed from: bytes from one output pixel, one source row and one output row to the next.
struct Operand {
  const char* first = nullptr;  // below the first row and column of the kernel of the first pixel
  int64_t pixel = 0, sourceRow = 0, outputRow = 0;
};

struct Target {
  char* first = nullptr;
  int64_t pixel = 0, row = 0;  // bytes
  bool floats = false;         // bfloat16 otherwise
};

/// `rows` x `width` pixels of all filters. What a pixel becomes does not depend on where it stands or what is beside
/// it. Needs tiles::available() and AVX-512 with BF16.
void multiplyRows(const Weights& weights, const Epilogue& epilogue, const Operand& operand, int rows,
                  int width, const Target& target);

}  // namespace otf::amx
