// Where the pixels of an image's plane come from.
#pragma once

#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fits/byte_source.h"
#include "fits/header_scan.h"

namespace otf::fits {

constexpr float kBlank = std::numeric_limits<float>::quiet_NaN();

/// The plane of an HDU that is read as an image.
struct Plane {
  int x = 0, y = 1;         // the axes (0-based) that are width and height; x < y
  std::vector<int64_t> at;  // position on every axis of the array (0-based); 0 on these two
  int64_t width = 0, height = 0;
  // Where pixels lie one after the other: that of the first one, and from one to the next along each side.
  int64_t offsetPx = 0, stepX = 1, stepY = 0;
};

/// BSCALE, BZERO and BLANK (FITS Standard 4.0, 4.4.2).
struct PixelScale {
  double scale = 1, zero = 0;
  std::optional<int64_t> blank;
};

PixelScale readScale(const HeaderCards& header, const ScannedHdu& hdu, std::vector<std::string>& warnings);

/// Values that float32 cannot hold are blank, as are infinite ones.
inline float narrow(double value) {
  return std::abs(value) <= std::numeric_limits<float>::max() ? static_cast<float>(value) : kBlank;
}

/// Big-endian numbers as FITS stores them (FITS Standard 4.0, 5.2, 5.3) to scaled floats.
void convertPixels(int bitpix, const std::byte* from, int64_t count, const PixelScale& scale, float* out);

/// One thread at a time.
class PixelReader {
 public:
  virtual ~PixelReader() = default;
  /// As FitsImage::readWindow; the window lies inside the plane and is not empty.
  virtual void read(int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* out, int64_t stride) = 0;
  /// A read that may wait for long throws kCancelled once this is true.
  virtual void setCancel(const std::atomic<bool>*) {}
};

/// Pixels that lie one after the other, converted here. The source must outlive the reader.
std::unique_ptr<PixelReader> plainPixels(const ByteSource& source, const ScannedHdu& hdu, const Plane& plane,
                                         const PixelScale& scale, const std::string& label);

/// Pixels of a compressed image, decoded by an otf-reader (reader_pool.h). The source is not used afterwards.
std::unique_ptr<PixelReader> remotePixels(const ByteSource& source, const ScannedHdu& hdu, const Plane& plane,
                                          const std::string& label);

}  // namespace otf::fits
