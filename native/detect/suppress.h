// Removing repeated detections of one source, within a tile and across tiles (docs/detection.md, steps 6 and 7).
#pragma once

#include <span>
#include <vector>

#include "detect/detector.h"
#include "detect/tiling.h"

namespace otf {

struct Edges {
  double x0, y0, x1, y1;
};

/// intersection/union - centre distance/enclosing diagonal; within [-1, 1]. Both boxes have an area.
/// Source: docs/detection.md step 6 (the distance is not squared, unlike Zheng et al. 2020).
double distanceIou(const Edges& a, const Edges& b);

/// Step 6 on one tile's boxes; what remains is ordered by objectness, highest first, ties as they came. Thread-safe.
void suppressWithinTile(const DetectorConfig& config, std::vector<Box>& boxes);

/// Clears the boxes of the outermost `rings` rings of tiles. tiles: one list per tile of the layout.
void clearEdgeTiles(const TileLayout& layout, int rings, std::span<std::vector<Box>> tiles);

/// Step 7, exactly as if tiles were visited row by row, each seeing its earlier neighbours reduced and its
/// later ones not yet. Uses up to `threads` threads: tile (c, r) depends only on tiles with a smaller c + 2r.
void suppressAcrossTiles(const DetectorConfig& config, const TileLayout& layout, int threads,
                         std::span<std::vector<Box>> tiles);

}  // namespace otf
