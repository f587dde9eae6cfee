// Which parts of an image are searched again to tell how good the search was.
#pragma once

#include <cstdint>
#include <vector>

#include "detect/tiling.h"

namespace otf::quality {

struct Sample {
  std::vector<Region> boxes;
  /// Detections nearer to a side of a box are left out: the search saw less around them. 0: the box is all of the region.
  int64_t marginPx = 0;
  /// How often all boxes are given mock sources, so that a small image has many, too.
  int rounds = 1;
};

/// All of the region when it has at most `tiles` tiles; else four boxes of about that many together, one in each quarter.
Sample chooseSample(const TileLayout& layout, int64_t tiles);

}  // namespace otf::quality
