#include "coverage/moc.h"

#include <algorithm>
#include <bit>

namespace otf::coverage {
namespace {

/// Descends from a cell towards those that the disc and the map share.
bool meet(const Moc& moc, const sky::Vector3& centre, double radius, Cell cell) {
  const CellRange range = rangeOf(cell);
  if (!moc.touches(range)) return false;
  const double reach = cellRadius(cell.order);
  if (separation(centre, centreOf(cell.order, cell.number)) > radius + reach) return false;
  if (cell.order == kMostOrder || reach < radius / 32 || moc.holds(range)) return true;
  for (int64_t child = 0; child < 4; ++child) {
    if (meet(moc, centre, radius, {cell.order + 1, 4 * cell.number + child})) return true;
  }
  return false;
}

/// Of the largest cell that begins at `begin` and ends at `end` at the latest.
int largestOrder(int64_t begin, int64_t end) {
  const int aligned = begin == 0 ? kMostOrder : std::countr_zero(static_cast<uint64_t>(begin)) / 2;
  const int fitting = (std::bit_width(static_cast<uint64_t>(end - begin)) - 1) / 2;
  return kMostOrder - std::min({aligned, fitting, kMostOrder});
}

}  // namespace

CellRange rangeOf(Cell cell) {
  const int shift = 2 * (kMostOrder - cell.order);
  return {cell.number << shift, (cell.number + 1) << shift};
}

Moc::Moc(std::vector<CellRange> ranges, int order) : order_(order) {
  std::ranges::sort(ranges, {}, &CellRange::begin);
  for (const CellRange& range : ranges) {
    if (range.begin >= range.end) continue;
    if (!ranges_.empty() && range.begin <= ranges_.back().end) {
      ranges_.back().end = std::max(ranges_.back().end, range.end);
    } else {
      ranges_.push_back(range);
    }
  }
}

std::vector<Cell> Moc::cells() const {
  std::vector<Cell> out;
  for (const CellRange& range : ranges_) {
    for (int64_t at = range.begin; at < range.end;) {
      const Cell cell{largestOrder(at, range.end), 0};
      const int shift = 2 * (kMostOrder - cell.order);
      out.push_back({cell.order, at >> shift});
      at += int64_t{1} << shift;
    }
  }
  return out;
}

double Moc::areaDeg2() const {
  double cells = 0;
  for (const CellRange& range : ranges_) cells += static_cast<double>(range.end - range.begin);
  return cells * cellAreaDeg2(kMostOrder);
}

bool Moc::touches(CellRange range) const {
  const auto after = std::ranges::upper_bound(ranges_, range.begin, {}, &CellRange::end);
  return after != ranges_.end() && after->begin < range.end;
}

bool Moc::holds(CellRange range) const {
  const auto after = std::ranges::upper_bound(ranges_, range.begin, {}, &CellRange::end);
  return after != ranges_.end() && after->begin <= range.begin && range.end <= after->end;
}

bool Moc::mayTouch(const sky::Vector3& centre, double radius) const {
  for (int64_t base = 0; base < cellsOf(0); ++base) {
    if (meet(*this, centre, radius, {0, base})) return true;
  }
  return false;
}

Moc Moc::intersection(const Moc& other) const {
  std::vector<CellRange> both;
  for (auto a = ranges_.begin(), b = other.ranges_.begin(); a != ranges_.end() && b != other.ranges_.end();) {
    const CellRange shared{std::max(a->begin, b->begin), std::min(a->end, b->end)};
    if (shared.begin < shared.end) both.push_back(shared);
    if (a->end < b->end) {
      ++a;
    } else {
      ++b;
    }
  }
  return {std::move(both), std::max(order_, other.order_)};
}

}  // namespace otf::coverage
