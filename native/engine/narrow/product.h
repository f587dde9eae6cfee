// Rows of output pixels as products of tiles.
#pragma once

#include <cstdint>

#include "engine/cpu/epilogue.h"
#include "engine/cpu/unit.h"
#include "engine/narrow/weights.h"

namespace otf::narrow {

using otf::Epilogue;
using otf::Unit;

/// What output rows are computed from.
struct Operand {
  const char* first = nullptr;  // below the first row and column of the kernel of the first pixel
  // Bytes from one output pixel to the next, as from tap to tap, part to part (weights.h), and one source or output row.
  int64_t pixel = 0, tap = 0, part = 0, sourceRow = 0, outputRow = 0;
  int64_t block = 0;  // from one block of pixels to the next, where these lie apart
  bool near = false;  // what was loaded is still in the first-level cache a moment later
};

using strips::Target;

/// `rows` x `width` pixels of all filters. What a pixel becomes does not depend on where it stands or what is beside
/// it; in bytes it is the same on both units. `quantised`: of targets in bytes. The first needs tiles::available(), of bytes
/// tiles::bytesAvailable(); targets in bfloat16 the vector unit's instructions for it.
void multiplyRowsOnTiles(const Weights& weights, const Epilogue& epilogue, const Operand& operand, int rows,
                         int width, const Target& target, const Quantised* quantised);
void multiplyRowsOnVectors(const Weights& weights, const Epilogue& epilogue, const Operand& operand, int rows,
                           int width, const Target& target, const Quantised* quantised);

}  // namespace otf::narrow
