#include "preview/reduce.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace otf::preview {

BlockSums::BlockSums(const Blocks& blocks, int64_t height)
    : blocks_(blocks),
      height_(height),
      sums_(static_cast<size_t>(blocks.columns * blocks.rows)),
      counts_(sums_.size()) {}

void BlockSums::add(int64_t fitsRow, const float* values, int64_t count) {
  const int64_t row = (height_ - 1 - fitsRow) / blocks_.step - blocks_.row;
  if (row < 0 || row >= blocks_.rows) return;
  double* sums = sums_.data() + row * blocks_.columns;
  uint32_t* counts = counts_.data() + row * blocks_.columns;
  int64_t at = 0;
  for (int64_t column = 0; column < blocks_.columns && at < count; ++column) {
    const int64_t end = std::min(count, at + blocks_.step);
    double sum = 0;
    uint32_t finite = 0;
    for (; at < end; ++at) {
      const float value = values[at];
      const bool there = !std::isnan(value);
      sum += there ? value : 0.0F;
      finite += there ? 1 : 0;
    }
    sums[column] += sum;
    counts[column] += finite;
  }
}

float meanOf(double sum, uint64_t count) {
  return count == 0 ? std::numeric_limits<float>::quiet_NaN()
                    : static_cast<float>(sum / static_cast<double>(count));
}

std::vector<float> meansOf(FitsImage& image, const Blocks& blocks) {
  const FitsInfo& info = image.info();
  const int64_t x0 = blocks.column * blocks.step;
  const int64_t columns = std::min(info.width - x0, blocks.columns * blocks.step);
  // FITS rows run upwards, rows of blocks downwards.
  const int64_t yEnd = info.height - blocks.row * blocks.step;
  const int64_t y0 = std::max<int64_t>(0, yEnd - blocks.rows * blocks.step);
  const int64_t high = std::clamp<int64_t>(kBandPx / columns, 1, yEnd - y0);
  std::vector<float> band(static_cast<size_t>(high * columns));
  BlockSums sums(blocks, info.height);
  for (int64_t y = y0; y < yEnd; y += high) {
    const int64_t rows = std::min(high, yEnd - y);
    image.readWindow(x0, y, columns, rows, band.data(), columns);
    for (int64_t r = 0; r < rows; ++r) sums.add(y + r, band.data() + r * columns, columns);
  }
  std::vector<float> means(sums.sums().size());
  for (size_t i = 0; i < means.size(); ++i) means[i] = meanOf(sums.sums()[i], sums.counts()[i]);
  return means;
}

}  // namespace otf::preview
