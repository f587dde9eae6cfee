// Rows of output pixels as products of tiles.
#pragma once

#include <cstdint>

#include "engine/amx/weights.h"
#include "engine/cpu/epilogue.h"

namespace otf::amx {

using otf::Epilogue;

/// What output rows are computed from: bytes from one output pixel, one source row and one output row to the next.
struct Operand {
  const char* first = nullptr;  // below the first row and column of the kernel of the first pixel
  int64_t pixel = 0, sourceRow = 0, outputRow = 0;
};

using strips::Target;

/// `rows` x `width` pixels of all filters. What a pixel becomes does not depend on where it stands or what is beside
/// it. `quantised`: of targets in bytes. Needs tiles::available(), of bytes tiles::bytesAvailable(), and AVX-512 with BF16.
void multiplyRows(const Weights& weights, const Epilogue& epilogue, const Operand& operand, int rows,
                  int width, const Target& target, const Quantised* quantised);

}  // namespace otf::amx
