// Convolutions of narrow values as products of tiles: what they look like, and their weights in the order the tiles are read.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/narrow/quantised.h"
#include "engine/strips/layer.h"
#include "tensor/buffer.h"

namespace otf::narrow {

constexpr int kTileRows = 16;      // pixels, and filters, of a tile
constexpr int64_t kRowBytes = 64;  // of a tile
constexpr int kQuad = 4;           // bytes of a row of weights that meet one filter
constexpr int64_t kTileBytes = kTileRows * kRowBytes;
constexpr int kTileSums = kTileRows * kTileRows;

using strips::Geometry;

/// What is multiplied: bfloat16 on both sides, or unsigned bytes of a map with signed bytes of weights.
enum class Element : uint8_t { kBf16, kInt8 };
constexpr int valueBytes(Element element) { return element == Element::kBf16 ? 2 : 1; }

/// How the operand of a row of pixels lies in memory. Maps are channels last: the values below one row of a kernel are
/// side by side, and a tile's row is a part of them.
enum class Reading {
  kDirect,  // in the map itself
  kBorder,  // in a copy of some rows with zeros around them
  kColumns,  // in a copy with the values below the whole kernel side by side: kernels that are narrow and few channels
  kBraided,  // in a copy with the rows of one channel value by value: then those of neighbours overlap
};
constexpr int kMostBraided = 8;  // rows
Reading readingOf(const Geometry& geometry, Element element);

/// Whether sums of such products stay below 2^31.
bool fitsInt8(const Geometry& geometry);

/// Shared by all sizes of maps.
class Weights {
 public:
  /// `plain`: [filter][channel][kernelH][kernelW], rounded to bfloat16 here; `bias`: one for each filter.
  /// Throws kOutOfMemory.
  Weights(const Geometry& geometry, const float* plain, const float* bias);
  /// The same in signed bytes, with a scale for each filter, for maps of `source`; fitsInt8().
  Weights(const Geometry& geometry, std::shared_ptr<const Quantised> source, const float* plain,
          const float* bias);

  const Geometry& geometry() const { return geometry_; }
  Element element() const { return element_; }
  Reading reading() const { return reading_; }
  // Products follow each other by part of what lies below a tap, then by row, then by tap: neighbours read nearly the same.
  int rows() const { return rows_; }    // of the kernel that are read apart
  int taps() const { return taps_; }    // of each row that are read apart
  int parts() const { return parts_; }  // of each of these
  int products() const { return rows_ * taps_ * parts_; }
  int depth() const { return depth_; }  // values of each product
  /// Values of kBraided side by side: the rows of a kernel, and a zero where they are odd.
  int braided() const { return (geometry_.kernelH + 1) / 2 * 2; }
  int64_t depthBytes() const { return int64_t{depth_} * valueBytes(element_); }  // whole quads
  int tiles() const { return (geometry_.filters + kTileRows - 1) / kTileRows; }
  /// Of `tile`, which is even, and the next in turns, as the products follow.
  const char* packed(int tile) const;
  const float* bias() const { return bias_.data(); }  // zeros up to whole pairs, as the next two
  /// Of kInt8: what is added to a sum of products for what zeros of the source count, and what the sum is times.
  const int32_t* correction() const { return correction_.data(); }
  const float* scale() const { return scale_.data(); }
  const Quantised* source() const { return source_.get(); }  // of kInt8
  int64_t bytes() const { return static_cast<int64_t>(packed_.bytes()); }

 private:
  void arrange(const float* bias);
  /// Where the weight of a filter at a value below a row of the kernel goes.
  char* placeOf(int filter, int y, int value);

  Geometry geometry_;
  Element element_;
  Reading reading_;
  int rows_ = 1, taps_ = 1, parts_ = 1, depth_ = 0;
  Buffer packed_;
  std::vector<float> bias_, scale_;
  std::vector<int32_t> correction_;
  std::shared_ptr<const Quantised> source_;
};

}  // namespace otf::narrow
