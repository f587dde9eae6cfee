#include "fits/compressed_layout.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string_view>

#include "fits/declared_size.h"
#include "fits/header_values.h"

namespace otf::fits {
namespace {

constexpr int kMaxCompressedAxes = 6;  // CFITSIO's MAX_COMPRESS_DIM

}  // namespace

int64_t CompressedLayout::tilePixels() const {
  int64_t pixels = 1;
  for (const int64_t side : tile) pixels *= side;
  return pixels;
}

int64_t CompressedLayout::decodingBytes() const {
  // CFITSIO, per pixel: integers (8), their conversion (8) and the copy it keeps (8); the stream, which the guard lets
  // be 16 bytes a pixel but not more than the file holds.
  const auto stream = std::min<int64_t>(tilePixels() * 16 + 4096, static_cast<int64_t>(heapBytes));
  return tilePixels() * 24 + 2 * stream + kMaxKeptBytes;
}

CompressedImage readCompression(const HeaderCards& cards, const TableExtent& table) {
  CompressedImage image;
  CompressedLayout& layout = image.layout;
  const int64_t rowBytes = table.rowBytes, rows = table.rows;
  if (rowBytes < 8)
    cards.reject("rows of " + std::to_string(rowBytes) + " bytes cannot hold a compressed image");
  // CFITSIO takes what it does not find here for numbers all the same (FITS Standard 4.0, 7.3.1).
  cards.requireFirst({"XTENSION", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "PCOUNT", "GCOUNT", "TFIELDS"});
  cards.required("TFIELDS", 1, 999);
  for (const char* prefix : {"ZNAXIS", "ZTILE", "ZDITHER", "ZVAL", "ZNAME", "ZCMPTYPE", "ZBITPIX", "ZQUANTIZ",
                             "ZBLANK", "ZSCALE", "ZZERO"}) {
    cards.requireStandardForm(prefix);
  }
  // Of what is no number CFITSIO 4.2 makes a message longer than its buffer.
  for (const char* keyword : {"BLANK", "BSCALE", "BZERO", "ZBLANK", "ZSCALE", "ZZERO"}) {
    const std::optional<std::string> text = cards.value(keyword);
    if (text && !text->empty() && !parseNumber(*text))
      cards.reject(std::string(keyword) + " = " + printable(text->substr(0, 40)) + " is not a usable number");
  }
  // They would make CFITSIO alter the compressed bytes themselves, behind the tile guard's back.
  for (const char* prefix : {"TSCAL", "TZERO", "TNULL"}) cards.requireAbsent(prefix);
  cards.requireOnly("THEAP");
  const int64_t heapGap = rowBytes * rows;
  const int64_t theap =
      cards.integer("THEAP", heapGap, std::numeric_limits<int64_t>::max()).value_or(heapGap);
  layout.heapOffset = table.dataOffset + static_cast<uint64_t>(theap);
  if (static_cast<uint64_t>(theap) > table.dataBytes)
    cards.reject("THEAP points behind the end of the table");
  layout.heapBytes = table.dataBytes - static_cast<uint64_t>(theap);

  layout.algorithm = cards.value("ZCMPTYPE").value_or("");
  constexpr std::array<std::string_view, 6> kKnown = {"RICE_1", "RICE_ONE",    "GZIP_1",
                                                      "GZIP_2", "HCOMPRESS_1", "PLIO_1"};
  if (std::find(kKnown.begin(), kKnown.end(), layout.algorithm) == kKnown.end()) {
    cards.reject("compression ZCMPTYPE = '" + printable(layout.algorithm) + "' is not supported");
  }
  cards.requireUnique("ZCMPTYPE");
  cards.requireUnique("ZQUANTIZ");
  layout.quantisation = cards.value("ZQUANTIZ").value_or("");
  image.bitpix = readBitpix(cards, "ZBITPIX");
  image.dims = readAxes(cards, "ZNAXIS", "ZNAXIS", kMaxCompressedAxes);
  if (image.dims.empty()) cards.reject("a compressed image without axes");

  unsigned __int128 tilePx = 1, tiles = 1;
  for (size_t i = 0; i < image.dims.size(); ++i) {
    const std::string keyword = indexed("ZTILE", i + 1);
    cards.requireUnique(keyword);
    if (image.dims[i] < 1) cards.reject(indexed("ZNAXIS", i + 1) + " is not positive");
    const int64_t side = cards.integer(keyword, 1, kMaxAxisPx).value_or(i == 0 ? image.dims[0] : 1);
    layout.tile.push_back(side);
    tilePx = times(tilePx, static_cast<unsigned __int128>(side));
    tiles = times(tiles, static_cast<unsigned __int128>((image.dims[i] - 1) / side + 1));
  }
  if (tilePx > static_cast<unsigned __int128>(kMaxTilePx)) {
    cards.reject("compression tiles of " + decimal(tilePx) + " pixels; at most " +
                 std::to_string(kMaxTilePx) + " are supported");
  }
  if (tiles != static_cast<unsigned __int128>(rows)) {
    cards.reject("the image needs " + decimal(tiles) + " compressed tiles, the table has " +
                 std::to_string(rows));
  }
  layout.tiles = rows;

  // NOISEBIT as the second parameter is an old form that CFITSIO reads as 4 bytes.
  cards.requireUnique("ZVAL1");
  cards.requireUnique("ZVAL2");
  if (layout.algorithm.starts_with("RICE")) {
    layout.riceBlockPx = cards.required("ZVAL1", 1, 1024);
    if (cards.value("ZNAME2").value_or("") != "NOISEBIT") {
      layout.riceBytesPerPixel = cards.integer("ZVAL2", 1, 1024).value_or(4);
    }
    if (layout.riceBlockPx < 16 && layout.riceBytesPerPixel > 8) {
      std::swap(layout.riceBlockPx,
                layout.riceBytesPerPixel);  // as CFITSIO does for files that have them reversed
    }
  }
  cards.requireUnique("ZDITHER0");
  cards.integer("ZDITHER0", 1, 10000);
  return image;
}

}  // namespace otf::fits
