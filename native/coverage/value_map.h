// Which pixels of a region have a value, in blocks, taken as they are read.
#pragma once

#include <cstdint>
#include <vector>

#include "coverage/mask.h"

namespace otf::coverage {

class ValueMap {
 public:
  explicit ValueMap(const PixelBox& region);

  /// The next rows of the region; NaN and exact zeros are no values.
  void add(const float* pixels, int64_t rows);
  /// When all rows were added.
  void finish();

  const PixelBox& region() const { return region_; }
  int64_t blockPx() const { return blockPx_; }
  /// The block around a pixel position of the image has values in half of its pixels; false outside the region.
  bool at(double x, double y) const;
  enum class Part { kNone, kSome, kAll };
  /// Of the blocks that [x0, x1] x [y0, y1] touches, with what is outside the region.
  Part partOf(double x0, double y0, double x1, double y1) const;

 private:
  int64_t covered(int64_t column0, int64_t row0, int64_t column1, int64_t row1) const;

  PixelBox region_;
  int64_t blockPx_ = 1, columns_ = 0, rows_ = 0, row_ = 0;
  std::vector<uint32_t> values_;  // per block; after finish: of sums over all blocks below and left
};

}  // namespace otf::coverage
