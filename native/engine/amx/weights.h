// Convolutions as products of tiles: what they look like, and their weights in the order the tiles are read.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/strips/layer.h"
#include "tensor/buffer.h"

namespace otf::amx {

constexpr int kTileRows = 16;                 // pixels, and filters, of a tile
constexpr int kTileDepth = 32;                // bfloat16 values of a row
constexpr int64_t kValue = sizeof(uint16_t);  // bytes of a bfloat16

using strips::Geometry;

/// How the operand of a row of pixels lies in memory. Maps are channels last: the values below one row of a kernel are
/// side by side, and a tile's row is a part of them.
enum class Reading {
  kDirect,  // in the map itself
  kBorder,  // in a copy of some rows with zeros around them
  kColumns,  // in a copy with the values below the whole kernel side by side: kernels that are narrow and few channels
};
Reading readingOf(const Geometry& geometry);

/// Shared by all sizes of maps.
class Weights {
 public:
  /// `plain`: [filter][channel][kernelH][kernelW], rounded to bfloat16 here; `bias`: one for each filter.
  /// Throws kOutOfMemory.
  Weights(const Geometry& geometry, const float* plain, const float* bias);

  const Geometry& geometry() const { return geometry_; }
  Reading reading() const { return reading_; }
  int rows() const { return rows_; }      // of the kernel that are read apart
  int chunks() const { return chunks_; }  // products of each row
  int depth() const { return depth_; }    // values of each product, even
  int tiles() const { return (geometry_.filters + kTileRows - 1) / kTileRows; }
  /// Tiles 2*pair and 2*pair+1, in turns, as the products follow.
  const char* pair(int pair) const;
  const float* bias() const { return bias_.data(); }  // zeros up to whole pairs
  int64_t bytes() const { return static_cast<int64_t>(packed_.bytes()); }

 private:
  Geometry geometry_;
  Reading reading_;
  int rows_ = 1, chunks_ = 1, depth_ = kTileDepth;
  Buffer packed_;
  std::vector<float> bias_;
};

}  // namespace otf::amx
