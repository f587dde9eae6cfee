#include "reader/tile_guard.h"

#include <algorithm>
#include <cstdlib>
#include <span>

#include "reader/gzip_stream.h"
#include "reader/hcompress_stream.h"
#include "reader/rice_stream.h"

namespace otf::fits {
namespace {

int columnNumber(fitsfile* file, const char* name) {
  std::string pattern = name;
  int column = 0, status = 0;
  fits_get_colnum(file, CASEINSEN, pattern.data(), &column, &status);
  if (status != 0) fits_clear_errmsg();
  return status == 0 ? column : 0;
}

int bigEndian16(std::span<const unsigned char> bytes, size_t at) {
  return static_cast<int16_t>(static_cast<uint16_t>(bytes[at] << 8 | bytes[at + 1]));
}

int64_t elementBytes(int type) { return type == TBYTE ? 1 : type == TSHORT ? 2 : type == TDOUBLE ? 8 : 4; }

/// Neither gzip nor Rice makes noise much larger; more is a stream that expands into far more than a tile.
int64_t mostStreamBytes(int64_t pixels) { return pixels * 16 + 4096; }

/// An IRAF pixel list says its own length; its decoder believes it (FITS Standard 4.0, 10.4.3).
bool pixelListIsSane(std::span<const unsigned char> bytes) {
  const auto words = static_cast<int64_t>(bytes.size() / 2);
  if (words < 7) return false;
  const auto word = [&](int64_t oneBased) {
    return bigEndian16(bytes, static_cast<size_t>(oneBased - 1) * 2);
  };
  const bool oldForm = word(3) > 0;
  const int64_t length = oldForm ? word(3) : (int64_t{word(5)} << 15) + word(4);
  const int64_t first = oldForm ? 4 : int64_t{word(2)} + 1;
  if (length > words || first < 1) return false;
  // Opcode 1 takes its high bits from the word that follows.
  return length < first || length < words || word(length) / 4096 != 1;
}

}  // namespace

TileGuard::TileGuard(const ByteSource& source, const ScannedHdu& hdu, std::string label)
    : source_(source),
      hdu_(hdu),
      label_(std::move(label)),
      checked_(static_cast<size_t>(hdu.compressed.tiles)) {}

void TileGuard::checkTiles(fitsfile* file, const std::vector<int64_t>& first,
                           const std::vector<int64_t>& last) {
  const std::vector<int64_t>& side = hdu_.compressed.tile;
  std::vector<int64_t> at(side.size());
  for (size_t i = 0; i < side.size(); ++i) at[i] = first[i] / side[i];
  for (;;) {
    int64_t tile = 0, pixels = 1, step = 1;
    for (size_t i = 0; i < side.size(); ++i) {
      tile += at[i] * step;
      step *= (hdu_.dims[i] - 1) / side[i] + 1;
      pixels *= std::min(side[i], hdu_.dims[i] - at[i] * side[i]);
    }
    if (!checked_[static_cast<size_t>(tile)]) {
      checkTile(file, tile, pixels);
      checked_[static_cast<size_t>(tile)] = true;
    }
    size_t axis = 0;
    while (axis < side.size() && ++at[axis] > last[axis] / side[axis]) {
      at[axis] = first[axis] / side[axis];
      ++axis;
    }
    if (axis == side.size()) return;
  }
}

bool TileGuard::isLossless(fitsfile* file) const {
  return hdu_.bitpix < 0 && hdu_.compressed.algorithm.starts_with("GZIP") && isUnquantised(file);
}

std::vector<unsigned char> TileGuard::losslessStream(fitsfile* file, int64_t tile, int64_t pixels) {
  return cell(file, columnNumber(file, "COMPRESSED_DATA"), tile, mostStreamBytes(pixels), {TBYTE});
}

void TileGuard::checkTile(fitsfile* file, int64_t tile, int64_t pixels) {
  const CompressedLayout& layout = hdu_.compressed;
  const int64_t mostBytes = mostStreamBytes(pixels);
  // One element type per algorithm: CFITSIO would convert another, and see other bytes than those checked here.
  const int stored = layout.algorithm == "PLIO_1" ? TSHORT : TBYTE;
  const std::vector<unsigned char> stream =
      cell(file, columnNumber(file, "COMPRESSED_DATA"), tile, mostBytes, {stored});
  if (stream.empty()) {
    checkUnquantised(file, tile, pixels, mostBytes);
    return;
  }
  const std::string of = " of its " + std::to_string(pixels) + " pixels";
  if (layout.algorithm.starts_with("GZIP")) {
    checkGzip(tile, stream, pixels, compressedWidths(file));
    return;
  }
  // CFITSIO would take the integers for floats.
  if (isUnquantised(file))
    reject(tile, "holds floating-point pixels that are not quantised, which only gzip can");
  if (layout.algorithm == "HCOMPRESS_1") {
    const int planes = hdu_.bitpix == 8 || hdu_.bitpix == 16 ? 31 : 63;
    if (!hcompressStreamIsComplete(stream, pixels, planes)) reject(tile, "is not an HCOMPRESS stream" + of);
  } else if (layout.algorithm.starts_with("RICE")) {
    if (!riceStreamIsComplete(stream, pixels, layout.riceBlockPx, layout.riceBytesPerPixel))
      reject(tile, "is not a Rice stream" + of);
  } else if (layout.algorithm == "PLIO_1" && !pixelListIsSane(stream)) {
    reject(tile, "is not a pixel list");
  }
}

/// As CFITSIO decides it.
bool TileGuard::isUnquantised(fitsfile* file) const {
  if (hdu_.compressed.quantisation == "NONE") return true;
  return hdu_.bitpix < 0 && columnNumber(file, "ZZERO") == 0 && columnNumber(file, "ZSCALE") == 0;
}

/// Bytes a pixel may have inside a gzip stream of COMPRESSED_DATA: CFITSIO tells its type by the size alone.
std::vector<int64_t> TileGuard::compressedWidths(fitsfile* file) const {
  const int64_t own = std::abs(hdu_.bitpix) / 8;
  if (isUnquantised(file)) {
    if (hdu_.bitpix < 0) return {own};
    return {};
  }
  if (hdu_.bitpix < 0) return {4};
  return {own, 4};
}

/// CFITSIO 4.2 waits for ever for the rest of a stream that is cut.
void TileGuard::checkGzip(int64_t tile, const std::vector<unsigned char>& stream, int64_t pixels,
                          const std::vector<int64_t>& widths) {
  const int64_t bytes = gzipStreamBytes(stream, pixels * 8);
  for (const int64_t width : widths) {
    if (bytes == pixels * width) return;
  }
  reject(tile, "is not a gzip stream of its " + std::to_string(pixels) + " pixels");
}

/// A tile kept without quantisation: raw in one column (files before 2011), gzipped in another.
void TileGuard::checkUnquantised(fitsfile* file, int64_t tile, int64_t pixels, int64_t mostBytes) {
  if (const int raw = columnNumber(file, "UNCOMPRESSED_DATA"); raw > 0) {
    // CFITSIO reads as many elements as the cell has, into room for the tile's pixels.
    const int type = hdu_.bitpix == -64   ? TDOUBLE
                     : hdu_.bitpix == -32 ? TFLOAT
                     : hdu_.bitpix == 32  ? TLONG
                                          : TSHORT;
    const size_t bytes = cell(file, raw, tile, mostBytes, {type}).size();
    const auto expected = static_cast<size_t>(pixels * elementBytes(type));
    if (bytes != expected) {
      reject(tile, "holds " + std::to_string(bytes) + " bytes instead of " + std::to_string(expected));
    }
    return;
  }
  if (const int zipped = columnNumber(file, "GZIP_COMPRESSED_DATA"); zipped > 0) {
    if (hdu_.bitpix > 0) reject(tile, "is empty");
    checkGzip(tile, cell(file, zipped, tile, mostBytes, {TBYTE}), pixels, {std::abs(hdu_.bitpix) / 8});
    return;
  }
  reject(tile, "is empty");
}

std::vector<unsigned char> TileGuard::cell(fitsfile* file, int column, int64_t tile, int64_t mostBytes,
                                           std::initializer_list<int> types) {
  if (column == 0) reject(tile, "has no single COMPRESSED_DATA column");
  int status = 0, type = 0;
  LONGLONG repeat = 0, cellWidth = 0, elements = 0, offset = 0;
  fits_get_coltypell(file, column, &type, &repeat, &cellWidth, &status);
  if (status == 0 && std::find(types.begin(), types.end(), -type) == types.end()) {
    reject(tile, "is not stored in a variable-length column of the right type");
  }
  fits_read_descriptll(file, column, tile + 1, &elements, &offset, &status);
  check(status, Code::kFitsUnreadable, label_ + ", compressed tile " + std::to_string(tile));
  const int64_t width = elementBytes(-type);
  const auto heap = static_cast<int64_t>(hdu_.compressed.heapBytes);
  if (elements < 0 || offset < 0 || offset > heap || elements > (heap - offset) / width) {
    throw OtfError(Code::kFitsTruncated, label_ + ": compressed tile " + std::to_string(tile) + " claims " +
                                             std::to_string(elements) + " elements at byte " +
                                             std::to_string(offset) + " of a heap of " +
                                             std::to_string(heap));
  }
  if (elements * width > mostBytes) {
    reject(tile, "takes " + std::to_string(elements * width) + " bytes, more than its pixels can need");
  }
  std::vector<unsigned char> bytes(static_cast<size_t>(elements * width));
  const uint64_t place = hdu_.compressed.heapOffset + static_cast<uint64_t>(offset);
  if (!source_.read(place, std::as_writable_bytes(std::span(bytes)))) {
    throw OtfError(Code::kFitsTruncated,
                   label_ + ": the file ends inside compressed tile " + std::to_string(tile));
  }
  return bytes;
}

void TileGuard::reject(int64_t tile, const std::string& what) const {
  throw OtfError(Code::kFitsUnreadable, label_ + ": compressed tile " + std::to_string(tile) + " " + what);
}

}  // namespace otf::fits
