#include "preview/render.h"

#include <algorithm>

#include "error/error.h"
#include "preview/reduce.h"

namespace otf::preview {
namespace {

Picture render(const OpenImage& open, const Overview& overview, const Blocks& blocks, const Look& look) {
  const Cuts cuts = overview.cuts(look.cuts);
  const bool coarse = blocks.step % overview.step() == 0;
  const std::vector<float> means = coarse ? overview.means(blocks) : meansOf(open(), blocks);
  Picture picture{static_cast<int>(blocks.columns), static_cast<int>(blocks.rows), blocks.step, {}};
  picture.levels.resize(means.size());
  toLevels(means, look.stretch, cuts, picture.levels);
  return picture;
}

}  // namespace

int maxLevelOf(int64_t width, int64_t height) {
  int level = 0;
  for (int64_t side = std::max(width, height); side > kTilePx; side = blocksOf(side, 2)) ++level;
  return level;
}

Picture renderTile(const OpenImage& open, const Overview& overview, const TileAddress& tile,
                   const Look& look) {
  const int64_t width = overview.width(), height = overview.height();
  const int maxLevel = maxLevelOf(width, height);
  const int level = std::clamp(tile.level, 0, maxLevel);
  const int64_t step = int64_t{1} << (maxLevel - level);
  const int64_t columns = blocksOf(width, step), rows = blocksOf(height, step);
  if (level != tile.level || tile.x < 0 || tile.y < 0 || tile.x >= blocksOf(columns, kTilePx) ||
      tile.y >= blocksOf(rows, kTilePx)) {
    throw OtfError(Code::kInvalidArgument, "there is no tile " + std::to_string(tile.x) + "," +
                                               std::to_string(tile.y) + " of level " +
                                               std::to_string(tile.level));
  }
  const int64_t column = tile.x * kTilePx, row = tile.y * kTilePx;
  const Blocks blocks{step, column, row, std::min<int64_t>(kTilePx, columns - column),
                      std::min<int64_t>(kTilePx, rows - row)};
  return render(open, overview, blocks, look);
}

Picture renderWhole(const OpenImage& open, const Overview& overview, int64_t maxPx, const Look& look) {
  if (maxPx < kLeastWholePx || maxPx > kMostWholePx) {
    throw OtfError(Code::kInvalidArgument, "a picture of " + std::to_string(maxPx) +
                                               " pixels is not within " + std::to_string(kLeastWholePx) +
                                               " to " + std::to_string(kMostWholePx));
  }
  int64_t step = blocksOf(std::max(overview.width(), overview.height()), maxPx);
  // Blocks that the overview has need no second look at the image.
  if (step > overview.step()) step = blocksOf(step, overview.step()) * overview.step();
  return render(open, overview,
                {step, 0, 0, blocksOf(overview.width(), step), blocksOf(overview.height(), step)}, look);
}

}  // namespace otf::preview
