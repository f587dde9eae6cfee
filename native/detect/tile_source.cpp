#include "detect/tile_source.h"

#include <algorithm>
#include <new>
#include <string>

#include "error/error.h"
#include "timing/stopwatch.h"

namespace otf {
namespace {

constexpr int64_t kBandFloats = int64_t{1}
                                << 20;  // 4 MiB: large enough for the disk, still in the caches' reach

int64_t bandRows(const PixelPlane& plane, int64_t width) {
  return std::max({plane.bandRows, kBandFloats / width, int64_t{1}});
}

void throwIfCancelled(const std::atomic<bool>* cancel) {
  if (cancel && cancel->load(std::memory_order_relaxed))
    throw OtfError(Code::kCancelled, "detection was cancelled");
}

RecycledBuffer allocate(int64_t floats) {
  try {
    return RecycledBuffer(static_cast<size_t>(floats) * sizeof(float));
  } catch (const OtfError&) {
    throw OtfError(Code::kOutOfMemory, "cannot hold one row of tiles (" +
                                           std::to_string(floats * 4 / (1 << 20)) +
                                           " MiB); use a narrower region of interest");
  }
}

}  // namespace

PixelPass passOver(const PixelPlane& plane, const Region& region, const std::atomic<bool>* cancel) {
  return [plane, region, cancel](const PixelSink& sink) {
    const int64_t rows = std::min(bandRows(plane, region.width), region.height);
    const RecycledBuffer band = allocate(rows * region.width);
    for (int64_t y = 0; y < region.height; y += rows) {
      throwIfCancelled(cancel);
      const int64_t n = std::min(rows, region.height - y);
      plane.read(region.x, region.y + y, region.width, n, band.floats(), region.width);
      sink({band.floats(), static_cast<size_t>(n * region.width)});
    }
  };
}

TileSource::TileSource(PixelPlane plane, const TileLayout& layout, std::vector<int32_t> tiles,
                       NormalisePlan plan, const std::atomic<bool>* cancel, RowSink seen)
    : plane_(std::move(plane)),
      layout_(layout),
      tiles_(std::move(tiles)),
      plan_(std::move(plan)),
      cancel_(cancel),
      seen_(std::move(seen)),
      ringRows_(std::min<int64_t>(layout.tilePx, layout.region.height)),
      ring_(allocate(ringRows_ * layout.region.width)) {}

int64_t TileSource::ringBytes(const TileLayout& layout) {
  return std::min<int64_t>(layout.tilePx, layout.region.height) * layout.region.width *
         static_cast<int64_t>(sizeof(float));
}

/// Rows that lie together in the ring, raw first, then normalised in place.
void TileSource::loadRows(int64_t begin, int64_t end) {
  const Region& region = layout_.region;
  float* at = ring_->floats() + begin % ringRows_ * region.width;
  Stopwatch watch;
  plane_.read(region.x, region.y + begin, region.width, end - begin, at, region.width);
  readSeconds_ += watch.lap();
  if (seen_) seen_(at, end - begin);
  counts_ += applyNormalisation(plan_, at, at, static_cast<size_t>((end - begin) * region.width));
  prepareSeconds_ += watch.lap();
}

/// Makes rows [begin, end) of the region present; at most ringRows_ of them.
void TileSource::load(int64_t begin, int64_t end) {
  const int64_t band = bandRows(plane_, layout_.region.width);
  int64_t y = seen_ ? loaded_ : std::max(loaded_, begin);
  while (y < end) {
    throwIfCancelled(cancel_);
    const int64_t untilWrap = ringRows_ - y % ringRows_;
    const int64_t stop = std::min({end, y + band, y + untilWrap});
    loadRows(y, stop);
    y = loaded_ = stop;
  }
}

void TileSource::writeTile(int64_t tile, float* out) const {
  const int64_t side = layout_.tilePx, width = layout_.region.width, height = layout_.region.height;
  const int64_t x0 = layout_.columns.begin(layout_.column(tile)), y0 = layout_.rows.begin(layout_.row(tile));
  const int64_t left = std::max<int64_t>(x0, 0) - x0, right = std::min(x0 + side, width) - x0;
  for (int64_t row = 0; row < side; ++row, out += side) {
    const int64_t y = y0 + row;
    if (y < 0 || y >= height) {
      std::fill_n(out, side, 0.0F);
      continue;
    }
    const float* from = ring_->floats() + y % ringRows_ * width + x0 + left;
    std::fill_n(out, left, 0.0F);
    std::copy_n(from, right - left, out + left);
    std::fill_n(out + right, side - right, 0.0F);
  }
}

void TileSource::loadFor(int32_t tile) {
  const int64_t y0 = layout_.rows.begin(layout_.row(tile));
  load(std::max<int64_t>(y0, 0), std::min(y0 + layout_.tilePx, layout_.region.height));
}

int64_t TileSource::prepare() {
  if (next_ == count()) return 0;
  const auto next = tiles_.begin() + next_;
  loadFor(*next);
  const auto after = std::lower_bound(next, tiles_.end(), (layout_.row(*next) + 1) * layout_.columns.count);
  return after - next;
}

void TileSource::fill(int64_t first, int count, float* out) {
  if (count < 0 || first < next_ || first + count > this->count()) {
    throw OtfError(Code::kInternal, "tiles " + std::to_string(first) + " to " +
                                        std::to_string(first + count) + " asked for after tile " +
                                        std::to_string(next_) + " of " + std::to_string(this->count()));
  }
  for (int64_t at = first; at < first + count; ++at, out += layout_.tilePixels()) {
    const int32_t tile = tiles_[static_cast<size_t>(at)];
    loadFor(tile);
    Stopwatch watch;
    writeTile(tile, out);
    prepareSeconds_ += watch.lap();
  }
  next_ = first + count;
  if (next_ < this->count()) return;
  if (seen_) load(loaded_, layout_.region.height);
  // Waiting for the network and being assembled needs no pixels.
  ring_.reset();
}

}  // namespace otf
