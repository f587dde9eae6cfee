#include "detect/bounds.h"

#include <cstdint>
#include <string>

#include "detect/tile_source.h"
#include "error/error.h"

namespace otf {
namespace {

/// 24 bytes each before the first box.
constexpr int64_t kMostTiles = int64_t{1} << 22;
/// A million pixels wide with tiles of 512.
constexpr int64_t kMostRingBytes = int64_t{2} << 30;

}  // namespace

void requireBounds(const TileLayout& layout, const FitsInfo& info) {
  if (layout.tiles() > kMostTiles) {
    throw OtfError(Code::kImageTooLarge, info.label + " would be searched in " +
                                             std::to_string(layout.tiles()) + " tiles, at most " +
                                             std::to_string(kMostTiles) +
                                             " are supported: use a region of interest or a smaller overlap");
  }
  if (const int64_t bytes = TileSource::ringBytes(layout); bytes > kMostRingBytes) {
    const int64_t rows = bytes / (layout.region.width * static_cast<int64_t>(sizeof(float)));
    const int64_t widest = kMostRingBytes / (rows * static_cast<int64_t>(sizeof(float)));
    throw OtfError(Code::kImageTooLarge, info.label + ": one row of tiles, " +
                                             std::to_string(layout.region.width) + " pixels wide, takes " +
                                             std::to_string(bytes >> 20) +
                                             " MiB; use a region of interest of at most " +
                                             std::to_string(widest) + " pixels width");
  }
}

void throwIfBlank(const PixelCounts& counts, const FitsInfo& info) {
  if (counts.blanked + counts.zero < counts.pixels) return;
  const std::string what = counts.zero == 0      ? "blank (NaN)"
                           : counts.blanked == 0 ? "zero"
                                                 : "blank (NaN) or zero";
  throw OtfError(Code::kImageBlank,
                 "every pixel searched in " + info.label + " is " + what + ": there is nothing to detect");
}

}  // namespace otf
