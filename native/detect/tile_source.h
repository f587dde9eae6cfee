// The region as network input: read once in row bands, normalised once per pixel, written tile by tile.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "detect/normalise.h"
#include "detect/tiling.h"
#include "tensor/recycled_buffer.h"

namespace otf {

/// Where pixels come from, as FitsImage::readWindow: columns [x0, x0+columns) of rows [y0, y0+rows) of the
/// plane, NaN = blank, to out[r*stride + c].
using ReadWindow =
    std::function<void(int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* out, int64_t stride)>;

/// A plane of pixels. `bandRows`: how many rows a read should take at least where it can (compressed images
/// are stored in blocks that are decoded whole); 1 = any number is as good.
struct PixelPlane {
  ReadWindow read;
  int64_t bandRows = 1;
};

/// One pass over the raw pixels of a region in row bands (a few MiB). Throws kCancelled when `cancel` becomes true.
PixelPass passOver(const PixelPlane& plane, const Region& region, const std::atomic<bool>* cancel);

/// Sees rows of the region as they were read, each once and in their order, before they are normalised.
using RowSink = std::function<void(const float* pixels, int64_t rows)>;

/// Holds the normalised rows of one row of tiles, min(tile side, region height) x region width floats, until the last
/// tile has been filled. One thread at a time.
class TileSource {
 public:
  /// `tiles`: numbers of those that are asked for, ascending; they are what fill counts by. With `seen` every row of the region
  /// is read. Throws kOutOfMemory. `cancel` may be null.
  TileSource(PixelPlane plane, const TileLayout& layout, std::vector<int32_t> tiles, NormalisePlan plan,
             const std::atomic<bool>* cancel, RowSink seen = {});

  /// What a source of this layout takes while it is used.
  static int64_t ringBytes(const TileLayout& layout);

  /// Reads the rows that the next tile needs, and gives how many of those asked for need no others from it on: those of its row.
  int64_t prepare();

  /// Tiles [first, first+count) of those asked for to out[count][tilePx][tilePx]; 0 outside the region. Calls must go forward
  /// (kInternal otherwise); tiles may be left out, and the rows that only they need are then never read.
  /// Throws kCancelled, and what the plane's read throws.
  void fill(int64_t first, int count, float* out);

  /// Of the pixels read so far, each counted once.
  const PixelCounts& counts() const { return counts_; }
  double readSeconds() const { return readSeconds_; }
  double prepareSeconds() const { return prepareSeconds_; }  // normalise and copy

 private:
  int64_t count() const { return static_cast<int64_t>(tiles_.size()); }
  void loadFor(int32_t tile);
  void load(int64_t begin, int64_t end);
  void loadRows(int64_t begin, int64_t end);
  void writeTile(int64_t tile, float* out) const;

  PixelPlane plane_;
  TileLayout layout_;
  std::vector<int32_t> tiles_;
  NormalisePlan plan_;
  const std::atomic<bool>* cancel_;
  RowSink seen_;
  int64_t ringRows_ = 0;
  std::optional<RecycledBuffer>
      ring_;            // row y of the region lives at y % ringRows_; none after the last tile
  int64_t loaded_ = 0;  // rows below this have been read
  int64_t next_ = 0;    // first of tiles_ that may still be asked for
  PixelCounts counts_;
  double readSeconds_ = 0, prepareSeconds_ = 0;
};

}  // namespace otf
