#include "coverage/value_map.h"

#include <algorithm>
#include <cmath>

namespace otf::coverage {
namespace {

/// More along one side would cost memory and tell no more than the cells of a footprint.
constexpr int64_t kMostBlocks = 2048;

}  // namespace

ValueMap::ValueMap(const PixelBox& region) : region_(region) {
  while ((std::max(region.width, region.height) + blockPx_ - 1) / blockPx_ > kMostBlocks) blockPx_ *= 2;
  columns_ = (region.width + blockPx_ - 1) / blockPx_;
  rows_ = (region.height + blockPx_ - 1) / blockPx_;
  values_.assign(static_cast<size_t>(columns_ * rows_), 0);
}

void ValueMap::add(const float* pixels, int64_t rows) {
  for (int64_t r = 0; r < rows; ++r, ++row_, pixels += region_.width) {
    uint32_t* counts = &values_[static_cast<size_t>(row_ / blockPx_ * columns_)];
    for (int64_t column = 0; column < columns_; ++column) {
      const int64_t end = std::min((column + 1) * blockPx_, region_.width);
      uint32_t here = 0;
      for (int64_t x = column * blockPx_; x < end; ++x)
        here += pixels[x] - pixels[x] == 0 && pixels[x] != 0 ? 1 : 0;
      counts[column] += here;
    }
  }
}

void ValueMap::finish() {
  std::vector<uint32_t> sums(static_cast<size_t>((columns_ + 1) * (rows_ + 1)), 0);
  for (int64_t row = 0; row < rows_; ++row) {
    const int64_t height = std::min(blockPx_, region_.height - row * blockPx_);
    uint32_t along = 0;
    for (int64_t column = 0; column < columns_; ++column) {
      const int64_t width = std::min(blockPx_, region_.width - column * blockPx_);
      along += 2 * int64_t{values_[static_cast<size_t>(row * columns_ + column)]} >= width * height ? 1 : 0;
      sums[static_cast<size_t>((row + 1) * (columns_ + 1) + column + 1)] =
          sums[static_cast<size_t>(row * (columns_ + 1) + column + 1)] + along;
    }
  }
  values_ = std::move(sums);
}

int64_t ValueMap::covered(int64_t column0, int64_t row0, int64_t column1, int64_t row1) const {
  const auto sum = [&](int64_t row, int64_t column) {
    return int64_t{values_[static_cast<size_t>(row * (columns_ + 1) + column)]};
  };
  return sum(row1 + 1, column1 + 1) - sum(row0, column1 + 1) - sum(row1 + 1, column0) + sum(row0, column0);
}

bool ValueMap::at(double x, double y) const { return partOf(x, y, x, y) == Part::kAll; }

ValueMap::Part ValueMap::partOf(double x0, double y0, double x1, double y1) const {
  const double width = static_cast<double>(region_.width), height = static_cast<double>(region_.height);
  // From the outer edge of the region's first pixel.
  const double left = x0 - static_cast<double>(region_.x) + 0.5,
               right = x1 - static_cast<double>(region_.x) + 0.5;
  const double below = y0 - static_cast<double>(region_.y) + 0.5,
               above = y1 - static_cast<double>(region_.y) + 0.5;
  if (!(right >= 0 && left < width && above >= 0 && below < height)) return Part::kNone;
  const auto block = [&](double at, int64_t count) {
    return std::clamp<int64_t>(static_cast<int64_t>(std::floor(at / static_cast<double>(blockPx_))), 0,
                               count - 1);
  };
  const double far = static_cast<double>(kMostBlocks * blockPx_);
  const int64_t c0 = block(std::max(left, 0.0), columns_), c1 = block(std::min(right, far), columns_);
  const int64_t r0 = block(std::max(below, 0.0), rows_), r1 = block(std::min(above, far), rows_);
  const int64_t here = covered(c0, r0, c1, r1);
  if (here == 0) return Part::kNone;
  const bool isInside = left >= 0 && right < width && below >= 0 && above < height;
  return isInside && here == (c1 - c0 + 1) * (r1 - r0 + 1) ? Part::kAll : Part::kSome;
}

}  // namespace otf::coverage
