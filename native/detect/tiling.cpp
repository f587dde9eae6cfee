#include "detect/tiling.h"

#include <limits>

#include "error/error.h"

namespace otf {

AxisTiling tileAxis(int64_t lengthPx, int tilePx, int overlapPx) {
  const int64_t step = int64_t{tilePx} - overlapPx;
  // lengthPx may be below the overlap: the division then has to round towards "no tile", never below.
  const int64_t beyond = lengthPx > overlapPx ? lengthPx - overlapPx : 0;
  const int64_t count = beyond == 0 ? 1 : (beyond - 1) / step + 1;
  return {count, (count * step + overlapPx - lengthPx) / 2, step};
}

TileLayout layoutTiles(const Region& region, int tilePx, int overlapPx) {
  TileLayout layout{region, tilePx, overlapPx, tileAxis(region.width, tilePx, overlapPx),
                    tileAxis(region.height, tilePx, overlapPx)};
  if (layout.columns.count > std::numeric_limits<int32_t>::max() / layout.rows.count) {
    throw OtfError(Code::kDetectorConfig,
                   "a region of " + std::to_string(region.width) + " x " + std::to_string(region.height) +
                       " pixels has too many tiles of " + std::to_string(tilePx) + " pixels overlapping by " +
                       std::to_string(overlapPx) + "; use a smaller overlap or a region of interest");
  }
  return layout;
}

}  // namespace otf
