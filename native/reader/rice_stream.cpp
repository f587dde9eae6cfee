#include "reader/rice_stream.h"

#include <algorithm>
#include <bit>

namespace otf::fits {
namespace {

/// Position in a bit stream, most significant bit first; reading past the end makes it fail and stay failed.
class BitCursor {
 public:
  explicit BitCursor(std::span<const unsigned char> bytes)
      : bytes_(bytes), endBit_(static_cast<int64_t>(bytes.size()) * 8) {}

  bool failed() const { return bit_ > endBit_; }
  void skip(int64_t bits) { bit_ += bits; }

  int take(int bits) {
    int value = 0;
    for (int i = 0; i < bits; ++i) value = value << 1 | next();
    return value;
  }

  /// Past a run of zeros and the one that ends it.
  void skipUnary() {
    while (bit_ < endBit_) {
      const auto byte = static_cast<unsigned char>(bytes_[static_cast<size_t>(bit_ / 8)] << (bit_ % 8));
      if (byte != 0) {
        bit_ += std::countl_zero(byte) + 1;
        return;
      }
      bit_ = (bit_ / 8 + 1) * 8;
    }
    bit_ = endBit_ + 1;
  }

 private:
  int next() {
    if (bit_ >= endBit_) {
      bit_ = endBit_ + 1;
      return 0;
    }
    const int value = bytes_[static_cast<size_t>(bit_ / 8)] >> (7 - bit_ % 8) & 1;
    ++bit_;
    return value;
  }

  std::span<const unsigned char> bytes_;
  int64_t bit_ = 0, endBit_;
};

}  // namespace

bool riceStreamIsComplete(std::span<const unsigned char> stream, int64_t pixels, int64_t blockPx,
                          int64_t bytesPerPixel) {
  struct Coding {
    int selectorBits, directSelector, pixelBits;
  };
  const Coding coding = bytesPerPixel == 1   ? Coding{3, 6, 8}
                        : bytesPerPixel == 2 ? Coding{4, 14, 16}
                                             : Coding{5, 25, 32};
  BitCursor cursor(stream);
  cursor.skip(coding.pixelBits);  // the first value, uncoded
  for (int64_t at = 0; at < pixels && !cursor.failed(); at += blockPx) {
    const int64_t count = std::min(blockPx, pixels - at);
    const int split = cursor.take(coding.selectorBits) - 1;
    if (split < 0) continue;  // all differences are zero
    if (split == coding.directSelector) {
      cursor.skip(count * coding.pixelBits);
      continue;
    }
    for (int64_t i = 0; i < count && !cursor.failed(); ++i) {
      cursor.skipUnary();
      cursor.skip(split);
    }
  }
  return !cursor.failed();
}

}  // namespace otf::fits
