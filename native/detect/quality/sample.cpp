#include "detect/quality/sample.h"

#include <algorithm>
#include <cmath>

namespace otf::quality {
namespace {

constexpr int64_t kMostRounds = 8;

/// A box's side along one axis, and where it lies when `part` of `parts` equal pieces has it in its middle.
struct Side {
  int64_t begin, length;
};

Side sideOf(int64_t regionBegin, int64_t regionLength, int64_t wanted, int64_t part, int64_t parts) {
  const int64_t length = std::min(wanted, regionLength);
  const int64_t middle = regionLength * (2 * part + 1) / (2 * parts);
  return {regionBegin + std::clamp<int64_t>(middle - length / 2, 0, regionLength - length), length};
}

}  // namespace

Sample chooseSample(const TileLayout& layout, int64_t tiles) {
  Sample sample;
  const Region& region = layout.region;
  if (layout.tiles() <= tiles) {
    sample.boxes = {region};
    sample.rounds = static_cast<int>(std::clamp<int64_t>(tiles / layout.tiles(), 1, kMostRounds));
    return sample;
  }
  sample.marginPx = layout.overlapPx / 2;
  const int64_t parts = tiles < 4 ? 1 : 2;
  const int64_t each = tiles / (parts * parts);
  const auto perSide = static_cast<int64_t>(std::sqrt(static_cast<double>(each)));
  const int64_t step = layout.tilePx - layout.overlapPx;
  // A strip has no room for a square: what is missing across goes along.
  const int64_t across = std::min({perSide, layout.rows.count, layout.columns.count});
  const int64_t along = std::max<int64_t>(1, each / across);
  const bool isWide = layout.columns.count >= layout.rows.count;
  const int64_t width = (isWide ? along : across) * step + layout.overlapPx;
  const int64_t height = (isWide ? across : along) * step + layout.overlapPx;
  for (int64_t row = 0; row < parts; ++row) {
    for (int64_t column = 0; column < parts; ++column) {
      const Side x = sideOf(region.x, region.width, width, column, parts);
      const Side y = sideOf(region.y, region.height, height, row, parts);
      sample.boxes.push_back({x.begin, y.begin, x.length, y.length});
    }
  }
  return sample;
}

}  // namespace otf::quality
