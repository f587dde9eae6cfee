// Pixels of an image plane put together, as a picture of lower resolution shows them.
#pragma once

#include <cstdint>
#include <vector>

#include "fits/fits.h"

namespace otf::preview {

/// Blocks of step x step pixels of a plane, counted from the picture's top left corner: row 0 holds the last FITS rows.
/// The blocks at the right and at the bottom may be smaller.
struct Blocks {
  int64_t step = 1;
  int64_t column = 0, row = 0, columns = 0, rows = 0;
};

/// How many blocks (or tiles, or rows) of so many there are.
inline int64_t blocksOf(int64_t length, int64_t step) { return (length + step - 1) / step; }

/// Of a band of FITS rows that is held at once.
constexpr int64_t kBandPx = int64_t{1} << 20;

/// Sums and counts of the finite pixels of blocks, to which rows are added one by one.
class BlockSums {
 public:
  /// `height`: of the plane.
  BlockSums(const Blocks& blocks, int64_t height);

  /// A FITS row (0-based) of the plane, from the first column of the blocks on. Rows outside the blocks are ignored.
  void add(int64_t fitsRow, const float* values, int64_t count);

  const std::vector<double>& sums() const { return sums_; }
  const std::vector<uint32_t>& counts() const { return counts_; }

 private:
  Blocks blocks_;
  int64_t height_;
  std::vector<double> sums_;
  std::vector<uint32_t> counts_;
};

/// The mean of the finite pixels of each block, [rows][columns]; NaN where there are none. Reads these pixels and no others,
/// in bands. Throws as FitsImage::readWindow.
std::vector<float> meansOf(FitsImage& image, const Blocks& blocks);

/// Mean of one block.
float meanOf(double sum, uint64_t count);

}  // namespace otf::preview
