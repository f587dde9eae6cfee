// Rows of a map brought into the order in which tiles read them.
#pragma once

#include <cstdint>

#include "engine/narrow/product.h"

namespace otf::narrow {

using Source = strips::Map;

/// Bytes that gather() fills for `rows` output rows of `width` pixels, and some it may write beyond.
int64_t gatherBytes(const Weights& weights, Unit unit, int sourceWidth, int rows, int width);

/// What products need for output rows `from` to `from + rows`, in `to` where the map itself will not do: 64-byte
/// aligned, gatherBytes(). `to` may be null for kDirect and a map of what is multiplied.
Operand gather(const Weights& weights, Unit unit, const Source& source, int from, int rows, int width,
               char* to);

}  // namespace otf::narrow
