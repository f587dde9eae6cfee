// Looks at compressed tiles before CFITSIO decompresses them.
// CFITSIO 4.2 sizes its output by the header but trusts what the compressed stream says about itself: an
// HCOMPRESS stream that claims more pixels than its tile overruns the heap, one that ends too early and a Rice
// stream that never ends are read past their end, a gzip stream that is cut is waited for without end. Source: FITS Standard 4.0, sections 10.3, 10.4 (streams) and 7.3.5 (variable-length cells).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "fits/cfitsio.h"
#include "fits/header_scan.h"

namespace otf::fits {

/// One thread at a time (it uses the image's CFITSIO handle). Each tile is checked once.
class TileGuard {
 public:
  TileGuard(const ByteSource& source, const ScannedHdu& hdu, std::string label);

  /// The tiles that hold pixels [first, last] (0-based, per axis of the image).
  /// Throws kFitsUnreadable naming the tile, or kFitsTruncated when its bytes lie outside the heap.
  void checkTiles(fitsfile* file, const std::vector<int64_t>& first, const std::vector<int64_t>& last);

  /// Floats in gzip streams, not quantised: nothing that CFITSIO would be needed for.
  bool isLossless(fitsfile* file) const;
  /// The compressed stream of such a tile; empty when it is stored in another way.
  std::vector<unsigned char> losslessStream(fitsfile* file, int64_t tile, int64_t pixels);
  [[noreturn]] void reject(int64_t tile, const std::string& what) const;

 private:
  void checkTile(fitsfile* file, int64_t tile, int64_t pixels);
  bool isUnquantised(fitsfile* file) const;
  std::vector<int64_t> compressedWidths(fitsfile* file) const;
  void checkGzip(int64_t tile, const std::vector<unsigned char>& stream, int64_t pixels,
                 const std::vector<int64_t>& widths);
  void checkUnquantised(fitsfile* file, int64_t tile, int64_t pixels, int64_t mostBytes);
  /// The bytes of one variable-length cell. `types`: CFITSIO's codes of the element types that may be stored.
  std::vector<unsigned char> cell(fitsfile* file, int column, int64_t tile, int64_t mostBytes,
                                  std::initializer_list<int> types);

  const ByteSource& source_;
  const ScannedHdu& hdu_;
  std::string label_;
  std::vector<bool> checked_;
};

}  // namespace otf::fits
