// A first walk over a FITS file's headers, before CFITSIO sees it: what each HDU holds, and whether its promises
// fit the bytes that are there. CFITSIO trusts sizes, tile shapes and dither seeds it reads; nothing gets that far
// here unless it is sane. Source: FITS Standard 4.0, sections 3, 4.4 (sizes), 7.3 (tables), 10 (tiled compression).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fits/byte_source.h"
#include "fits/compressed_layout.h"
#include "fits/header_cards.h"
#include "fits/image_axes.h"

namespace otf::fits {

struct ScannedHdu {
  enum class Kind { kImage, kCompressedImage, kTable, kRandomGroups, kOther } kind = Kind::kOther;
  int index = 0;  // 0-based
  std::string extname;
  int bitpix = 8;             // of the image (ZBITPIX when compressed)
  std::vector<int64_t> dims;  // of the image, first axis fastest
  uint64_t dataOffset = 0;
  unsigned __int128 dataBytes = 0;  // without padding
  CompressedLayout compressed;
  ImageAxes axes;     // images only
  std::string cards;  // the header as imageCards gives it; of the HDU chosen only

  bool isImage() const { return axes.found(); }
  std::string describe() const;  // "HDU 1 'EVENTS' (table)"
};

struct ScanResult {
  std::vector<ScannedHdu> hdus;       // up to and including the one chosen
  std::optional<HeaderCards> header;  // of the one chosen
  bool padded = true;                 // false: the file ends inside the last block of the chosen HDU
  std::vector<std::string> warnings;
};

/// Walk to the HDU asked for (0-based), or to the first image with two axes longer than 1 that make a picture.
/// Throws kFitsUnreadable (not FITS, gzip, malformed), kFitsTruncated, kFitsNoImage.
ScanResult scanHeaders(const ByteSource& source, const std::string& label, std::optional<int> hdu);

/// The HDUs that hold images, `most` at most, without their cards. Throws as scanHeaders when there is damage before the
/// first; behind it damage ends the list with a warning. None: the file has no image.
std::vector<ScannedHdu> scanImages(const ByteSource& source, const std::string& label, size_t most,
                                   std::vector<std::string>& warnings);

}  // namespace otf::fits
