// What follows the sums of products: bias, RELU, and the values of the next map.
#pragma once

#include <cstdint>

#include "engine/cpu/epilogue.h"
#include "engine/narrow/weights.h"
#include "engine/strips/layer.h"

namespace otf::narrow {

/// The filters of up to two tiles.
struct Filters {
  const float* bias;
  const int32_t* correction;  // of sums of bytes, as the next
  const float* scale;         // null: sums of floats
  const float* inverse;       // of targets in bytes, as the next
  const float* zeros;
  const Epilogue& epilogue;
  const strips::Target& target;
  int count;
};

/// Of `tiles` tiles from `tile`, which is even, on. `quantised`: of targets in bytes.
Filters filtersOf(const Weights& weights, const Epilogue& epilogue, const strips::Target& target,
                  const Quantised* quantised, int tile, int tiles);

constexpr int kMostBlocks = 3;

/// Sums of some blocks of pixels that are not where they go yet: floats, or 32-bit integers.
struct Pending {
  const int32_t* sums = nullptr;
  char* to[kMostBlocks] = {};
  int blockSums = 0;  // from one block to the next
  int pixels = 1;     // of a block
  int next = 0, end = 0;
};

/// The next `count` pixels, as far as there are any. Needs AVX-512, with BF16.
void finish(Pending& pending, int count, const Filters& filters);

}  // namespace otf::narrow
