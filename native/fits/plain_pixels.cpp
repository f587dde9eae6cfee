// Plain pixels: big-endian numbers one after the other (FITS Standard 4.0, 5.2, 5.3), read straight from the file.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "error/error.h"
#include "fits/pixel_reader.h"

namespace otf::fits {
namespace {

/// Values of other sizes than float32 go through a buffer of so many bytes, which stays in the cache.
constexpr int64_t kBufferBytes = int64_t{1} << 18;

uint8_t swapped(uint8_t v) { return v; }
uint16_t swapped(uint16_t v) { return __builtin_bswap16(v); }
uint32_t swapped(uint32_t v) { return __builtin_bswap32(v); }
uint64_t swapped(uint64_t v) { return __builtin_bswap64(v); }

template <typename Value, typename Bits>
Value valueAt(const std::byte* bytes, int64_t i) {
  Bits bits;
  std::memcpy(&bits, bytes + i * static_cast<int64_t>(sizeof bits), sizeof bits);
  if constexpr (std::endian::native == std::endian::little) bits = swapped(bits);
  return std::bit_cast<Value>(bits);
}

template <typename Value, typename Bits>
void convertIntegers(const std::byte* from, int64_t count, const PixelScale& s, float* out) {
  if (s.blank) {
    const int64_t blank = *s.blank;
    for (int64_t i = 0; i < count; ++i) {
      const auto value = valueAt<Value, Bits>(from, i);
      out[i] = int64_t{value} == blank ? kBlank : narrow(static_cast<double>(value) * s.scale + s.zero);
    }
  } else {
    for (int64_t i = 0; i < count; ++i)
      out[i] = narrow(static_cast<double>(valueAt<Value, Bits>(from, i)) * s.scale + s.zero);
  }
}

/// Of 64 bits without a sign (FITS Standard 4.0, 5.2.5, table 11), where a sum of doubles would lose what is small.
void convertUnsignedLongs(const std::byte* from, int64_t count, const PixelScale& s, float* out) {
  constexpr uint64_t kTopBit = uint64_t{1} << 63;
  for (int64_t i = 0; i < count; ++i) {
    const auto raw = valueAt<int64_t, uint64_t>(from, i);
    out[i] = raw == s.blank ? kBlank : static_cast<float>(static_cast<uint64_t>(raw) ^ kTopBit);
  }
}

template <typename Value, typename Bits>
void convertFloats(const std::byte* from, int64_t count, const PixelScale& s, float* out) {
  const bool scaled = s.scale != 1 || s.zero != 0;
  for (int64_t i = 0; i < count; ++i) {
    const auto value = static_cast<double>(valueAt<Value, Bits>(from, i));
    out[i] = narrow(scaled ? value * s.scale + s.zero : value);
  }
}

/// Bytes already where the floats shall be.
void convertInPlace(float* values, int64_t count) {
  auto* bytes = reinterpret_cast<std::byte*>(values);
  for (int64_t i = 0; i < count; ++i) {
    const auto value = valueAt<float, uint32_t>(bytes, i);
    values[i] = std::abs(value) <= std::numeric_limits<float>::max() ? value : kBlank;
  }
}

class PlainPixels final : public PixelReader {
 public:
  PlainPixels(const ByteSource& source, const ScannedHdu& hdu, const Plane& plane, const PixelScale& scale,
              std::string label)
      : source_(source),
        bitpix_(hdu.bitpix),
        pixelBytes_(std::abs(hdu.bitpix) / 8),
        stepX_(plane.stepX),
        stepY_(plane.stepY),
        begin_(static_cast<int64_t>(hdu.dataOffset) + plane.offsetPx * pixelBytes_),
        scale_(scale),
        label_(std::move(label)),
        inPlace_(hdu.bitpix == -32 && scale.scale == 1 && scale.zero == 0) {}

  void read(int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* out, int64_t stride) override {
    const int64_t first = y0 * stepY_ + x0 * stepX_;
    if (stepX_ == 1 && stepY_ == columns && stride == columns) {
      readRun(first, rows * columns, out);
      return;
    }
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t from = first + r * stepY_;
      if (stepX_ == 1) {
        readRun(from, columns, out + r * stride);
      } else {
        readStepped(from, columns, out + r * stride);
      }
    }
  }

 private:
  /// The picture's rows do not lie along the array's first axis: what is between its pixels has to be read.
  void readStepped(int64_t firstPx, int64_t count, float* out) {
    const int64_t most = std::max<int64_t>(1, kBufferBytes / stepX_);
    std::vector<float> run(static_cast<size_t>((std::min(count, most) - 1) * stepX_ + 1));
    for (int64_t done = 0; done < count; done += most) {
      const int64_t part = std::min(most, count - done);
      readRun(firstPx + done * stepX_, (part - 1) * stepX_ + 1, run.data());
      for (int64_t i = 0; i < part; ++i) out[done + i] = run[static_cast<size_t>(i * stepX_)];
    }
  }

  void readRun(int64_t firstPx, int64_t count, float* out) {
    if (inPlace_) {
      fetch(firstPx, std::as_writable_bytes(std::span(out, static_cast<size_t>(count))));
      convertInPlace(out, count);
      return;
    }
    const int64_t most = kBufferBytes / pixelBytes_;
    buffer_.resize(static_cast<size_t>(std::min(count, most) * pixelBytes_));
    for (int64_t done = 0; done < count; done += most) {
      const int64_t part = std::min(most, count - done);
      fetch(firstPx + done, std::span(buffer_).first(static_cast<size_t>(part * pixelBytes_)));
      convertPixels(bitpix_, buffer_.data(), part, scale_, out + done);
    }
  }

  void fetch(int64_t firstPx, std::span<std::byte> bytes) {
    if (source_.read(static_cast<uint64_t>(begin_ + firstPx * pixelBytes_), bytes)) return;
    throw OtfError(Code::kFitsTruncated, label_ + ": the pixels from byte " +
                                             std::to_string(begin_ + firstPx * pixelBytes_) +
                                             " on cannot be read");
  }

  const ByteSource& source_;
  const int bitpix_;
  const int64_t pixelBytes_, stepX_, stepY_, begin_;
  const PixelScale scale_;
  const std::string label_;
  const bool inPlace_;
  std::vector<std::byte> buffer_;
};

}  // namespace

void convertPixels(int bitpix, const std::byte* from, int64_t count, const PixelScale& scale, float* out) {
  switch (bitpix) {
    case 8:
      return convertIntegers<uint8_t, uint8_t>(from, count, scale, out);
    case 16:
      return convertIntegers<int16_t, uint16_t>(from, count, scale, out);
    case 32:
      return convertIntegers<int32_t, uint32_t>(from, count, scale, out);
    case 64:
      if (scale.scale == 1 && scale.zero == 0x1p63) return convertUnsignedLongs(from, count, scale, out);
      return convertIntegers<int64_t, uint64_t>(from, count, scale, out);
    case -32:
      return convertFloats<float, uint32_t>(from, count, scale, out);
    case -64:
      return convertFloats<double, uint64_t>(from, count, scale, out);
    default:
      throw OtfError(Code::kInternal, "BITPIX " + std::to_string(bitpix) + " has not been refused");
  }
}

std::unique_ptr<PixelReader> plainPixels(const ByteSource& source, const ScannedHdu& hdu, const Plane& plane,
                                         const PixelScale& scale, const std::string& label) {
  return std::make_unique<PlainPixels>(source, hdu, plane, scale, label);
}

}  // namespace otf::fits
