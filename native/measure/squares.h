// Points by the squares of a grid that they lie in.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace otf::measure {

/// Chains of points whose squares have one hash: no memory of its own for each square.
class Squares {
 public:
  explicit Squares(size_t mostPoints) : heads_(std::bit_ceil(2 * mostPoints + 1), kNone) {
    points_.reserve(mostPoints);
  }

  void add(int64_t column, int64_t row, size_t what) {
    uint32_t& head = heads_[bucketOf(column, row)];
    points_.push_back({column, row, what, head});
    head = static_cast<uint32_t>(points_.size() - 1);
  }

  /// Every point of a square, the last one first.
  template <typename Take>
  void in(int64_t column, int64_t row, Take take) const {
    for (uint32_t at = heads_[bucketOf(column, row)]; at != kNone; at = points_[at].next) {
      if (points_[at].column == column && points_[at].row == row) take(points_[at].what);
    }
  }

 private:
  static constexpr uint32_t kNone = 0xFFFFFFFF;
  struct Point {
    int64_t column, row;
    size_t what;
    uint32_t next;
  };

  size_t bucketOf(int64_t column, int64_t row) const {
    // Fibonacci hashing (Knuth, 6.4): neighbours end far apart.
    const uint64_t mixed = (static_cast<uint64_t>(column) * 0x9E3779B97F4A7C15U) ^
                           (static_cast<uint64_t>(row) * 0xC2B2AE3D27D4EB4FU);
    return static_cast<size_t>(mixed >> 20) & (heads_.size() - 1);
  }

  std::vector<uint32_t> heads_;
  std::vector<Point> points_;
};

}  // namespace otf::measure
