// How a tile-compressed image lies in its table, and the memory that decoding it takes. Source: FITS Standard 4.0, section 10.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fits/header_cards.h"

namespace otf::fits {

/// A compression tile is decompressed in one piece, so its size bounds the memory a file can ask for.
constexpr int64_t kMaxTilePx = int64_t{1} << 26;

/// CFITSIO keeps the tiles of one row of tiles decompressed; above this they are let go of.
constexpr int64_t kMaxKeptBytes = int64_t{256} << 20;

struct CompressedLayout {
  std::string algorithm;      // ZCMPTYPE
  std::vector<int64_t> tile;  // ZTILEn, as many as dims
  int64_t tiles = 0;          // = rows of the table
  int64_t riceBlockPx = 32, riceBytesPerPixel = 4;
  uint64_t heapOffset = 0, heapBytes = 0;  // in the file; what variable-length cells may point into

  std::string quantisation;  // ZQUANTIZ

  int64_t tilePixels() const;
  /// Of one tile decompressed, as CFITSIO keeps it: never more than this.
  int64_t keptTileBytes() const { return tilePixels() * 8; }
  /// The most that decoding needs at a time, known before it begins.
  int64_t decodingBytes() const;
};

struct CompressedImage {
  CompressedLayout layout;
  int bitpix = 8;
  std::vector<int64_t> dims;  // first axis fastest
};

/// The table that holds it, as its header says.
struct TableExtent {
  int64_t rowBytes = 0, rows = 0;
  uint64_t dataOffset = 0, dataBytes = 0;  // in the file
};

/// CFITSIO divides by tile sizes, multiplies them, sizes its buffers by them and indexes its dither table by
/// seed and row, all unchecked: every value is held to the standard first. Throws kFitsUnreadable.
CompressedImage readCompression(const HeaderCards& cards, const TableExtent& table);

}  // namespace otf::fits
