#include "detect/searched_area.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "error/error.h"

namespace otf {
namespace {

constexpr int kPlacesPerAxis = 256;

}  // namespace

SearchedArea::SearchedArea(const TileLayout& layout, const HeaderReview& header)
    : layout_(layout), header_(header), tiles_(static_cast<size_t>(layout.tiles())) {
  std::iota(tiles_.begin(), tiles_.end(), 0);
}

void SearchedArea::setMask(std::shared_ptr<const coverage::Area> area) {
  mask_.emplace(std::move(area), header_.info, header_.wcs ? &*header_.wcs : nullptr);
  tiles_.clear();
  choose({0, 0, layout_.columns.count, layout_.rows.count}, mask_->everything());
  std::ranges::sort(tiles_);
}

/// With an overlap of pixels on each side: a source in the mask is searched by every tile that sees it.
coverage::PixelBox SearchedArea::around(const Block& block) const {
  const auto side = [&](const AxisTiling& axis, int64_t first, int64_t last, int64_t origin, int64_t size) {
    const int64_t begin = origin + axis.begin(first) - layout_.overlapPx;
    const int64_t end = origin + axis.begin(last - 1) + layout_.tilePx + layout_.overlapPx;
    const int64_t from = std::clamp<int64_t>(begin, 0, size - 1);
    return std::pair(from, std::clamp<int64_t>(end, from + 1, size) - from);
  };
  const auto [x, width] =
      side(layout_.columns, block.column0, block.column1, layout_.region.x, header_.info.width);
  const auto [y, height] = side(layout_.rows, block.row0, block.row1, layout_.region.y, header_.info.height);
  return {x, y, width, height};
}

void SearchedArea::choose(const Block& block, const coverage::Mask::Candidates& candidates) {
  const coverage::Disc disc = coverage::discAround(header_.wcs ? &*header_.wcs : nullptr, around(block));
  const auto left = mask_->within(disc, candidates);
  if (!left) return;
  const int64_t columns = block.column1 - block.column0, rows = block.row1 - block.row0;
  if (columns * rows == 1) {
    tiles_.push_back(static_cast<int32_t>(block.row0 * layout_.columns.count + block.column0));
    return;
  }
  Block first = block, second = block;
  if (columns >= rows) {
    first.column1 = second.column0 = block.column0 + columns / 2;
  } else {
    first.row1 = second.row0 = block.row0 + rows / 2;
  }
  choose(first, *left);
  choose(second, *left);
}

Region SearchedArea::bounds() const {
  int64_t x0 = std::numeric_limits<int64_t>::max(), y0 = x0, x1 = std::numeric_limits<int64_t>::min(),
          y1 = x1;
  for (const int32_t tile : tiles_) {
    const int64_t x = layout_.columns.begin(layout_.column(tile)), y = layout_.rows.begin(layout_.row(tile));
    x0 = std::min(x0, x);
    x1 = std::max(x1, x + layout_.tilePx);
    y0 = std::min(y0, y);
    y1 = std::max(y1, y + layout_.tilePx);
  }
  const Region& region = layout_.region;
  x0 = std::max<int64_t>(x0, 0);
  y0 = std::max<int64_t>(y0, 0);
  return {region.x + x0, region.y + y0, std::min(x1, region.width) - x0, std::min(y1, region.height) - y0};
}

double SearchedArea::fractionOf(const Region& box) const {
  return mask_ ? mask_->fractionOf({box.x, box.y, box.width, box.height}, kPlacesPerAxis) : 1;
}

int64_t SearchedArea::keepInside(std::vector<Source>& sources, std::vector<MeasuredSource>& measured,
                                 const std::atomic<bool>* cancel) const {
  if (!mask_) return 0;
  size_t kept = 0;
  for (size_t i = 0; i < sources.size(); ++i) {
    if (cancel && cancel->load(std::memory_order_relaxed))
      throw OtfError(Code::kCancelled, "detection was cancelled");
    if (!mask_->contains(sources[i].x, sources[i].y)) continue;
    if (kept != i) {
      sources[kept] = std::move(sources[i]);
      if (!measured.empty()) measured[kept] = measured[i];
    }
    ++kept;
  }
  const auto gone = static_cast<int64_t>(sources.size() - kept);
  sources.resize(kept);
  if (!measured.empty()) measured.resize(kept);
  return gone;
}

}  // namespace otf
