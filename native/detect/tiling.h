// How a region is cut into overlapping square tiles (docs/detection.md, step 3).
//
//   axis of length n, tile T, overlap o, step s = T - o
//   |<-offset->|0 ............ region ............ n|
//   [----------T----------)
//                    [----------T----------)          count * s + o >= n + offset, always
//               |<-o->|
#pragma once

#include <cstdint>

#include "detect/detector.h"

namespace otf {

/// One axis: tile i covers [i*stepPx - offsetPx, i*stepPx - offsetPx + tilePx) of the region.
struct AxisTiling {
  int64_t count = 1, offsetPx = 0, stepPx = 1;
  int64_t begin(int64_t i) const { return i * stepPx - offsetPx; }
};

/// lengthPx >= 1, 0 <= overlapPx < tilePx.
AxisTiling tileAxis(int64_t lengthPx, int tilePx, int overlapPx);

/// Tiles are numbered row by row: tile = row * columns.count + column.
struct TileLayout {
  Region region;  // of the image plane
  int tilePx = 1, overlapPx = 0;
  AxisTiling columns, rows;

  int64_t tiles() const { return columns.count * rows.count; }
  int64_t column(int64_t tile) const { return tile % columns.count; }
  int64_t row(int64_t tile) const { return tile / columns.count; }
  int64_t tilePixels() const { return int64_t{tilePx} * tilePx; }
};

/// Throws kDetectorConfig when the tiles cannot be numbered with 31 bits.
TileLayout layoutTiles(const Region& region, int tilePx, int overlapPx);

}  // namespace otf
