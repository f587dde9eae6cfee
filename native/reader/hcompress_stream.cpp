#include "reader/hcompress_stream.h"

#include <algorithm>
#include <array>
#include <vector>

namespace otf::fits {
namespace {

// Magic (2), nx, ny and scale (4 each), the sum of all pixels (8), the number of bit planes of the quadrants (3).
constexpr size_t kHeaderBytes = 25;

int64_t bigEndian32(std::span<const unsigned char> bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | bytes[at + i];
  return static_cast<int32_t>(value);
}

/// Bits, most significant first. Past the end it gives zeros and has failed for good.
class Bits {
 public:
  explicit Bits(std::span<const unsigned char> bytes)
      : bytes_(bytes), endBit_(static_cast<int64_t>(bytes.size()) * 8) {}

  bool failed() const { return bit_ > endBit_; }
  void toByte() { bit_ = (bit_ + 7) / 8 * 8; }
  void skip(int64_t bits) { bit_ += bits; }

  /// At most 8 of them.
  int take(int bits) {
    if (endBit_ - bit_ < bits) {
      bit_ = endBit_ + 1;
      return 0;
    }
    const auto at = static_cast<size_t>(bit_ / 8);
    const int next = at + 1 < bytes_.size() ? bytes_[at + 1] : 0;
    const int window = bytes_[at] << 8 | next;
    const auto offset = static_cast<int>(bit_ % 8);
    bit_ += bits;
    return window >> (16 - offset - bits) & ((1 << bits) - 1);
  }

 private:
  std::span<const unsigned char> bytes_;
  int64_t bit_ = 0, endBit_;
};

/// Four bits, as many pixels of a square of two by two.
int takeCode(Bits& bits) {
  static constexpr std::array<int, 5> kFour = {3, 5, 10, 12, 15};  // 8 .. 12
  static constexpr std::array<int, 5> kFive = {6, 7, 9, 11, 13};   // 26 .. 30
  int c = bits.take(3);
  if (c < 4) return 1 << c;
  c = c << 1 | bits.take(1);
  if (c < 13) return kFour[static_cast<size_t>(c - 8)];
  c = c << 1 | bits.take(1);
  if (c < 31) return kFive[static_cast<size_t>(c - 26)];
  c = c << 1 | bits.take(1);
  return c == 62 ? 0 : 14;
}

struct Grid {
  int64_t rows = 0, columns = 0;
};

/// A quadrant of the transformed image: its bit planes, and which of its pixels are not zero.
class Quadrant {
 public:
  explicit Quadrant(Grid size) : size_(size), set_(cells(size)) {}

  /// False when the stream ends or is not one.
  bool decode(Bits& bits, int planes) {
    for (int plane = 0; plane < planes; ++plane) {
      const int form = bits.take(4);
      if (form == 0) {
        codes_.resize(cells(half(size_)));
        for (uint8_t& code : codes_) code = static_cast<uint8_t>(bits.take(4));
      } else if (form == 0xf) {
        decodeTree(bits);
      } else {
        return false;
      }
      if (bits.failed()) return false;
      insert();
    }
    return true;
  }

  int64_t count() const { return std::count(set_.begin(), set_.end(), uint8_t{1}); }

 private:
  static size_t cells(Grid grid) { return static_cast<size_t>(grid.rows * grid.columns); }
  static Grid half(Grid grid) { return {(grid.rows + 1) / 2, (grid.columns + 1) / 2}; }

  void decodeTree(Bits& bits) {
    std::vector<Grid> levels;  // from the whole quadrant's codes up to the one at the top
    for (Grid grid = half(size_);; grid = half(grid)) {
      levels.push_back(grid);
      if (grid.rows == 1 && grid.columns == 1) break;
    }
    codes_.assign(1, static_cast<uint8_t>(takeCode(bits)));
    for (size_t level = levels.size() - 1; level-- > 0 && !bits.failed();) expand(bits, levels[level]);
  }

  /// Each code says which of the next level's four are there at all; those are read from the last to the first.
  void expand(Bits& bits, Grid to) {
    next_.assign(cells(to), 0);
    const int64_t above = (to.columns + 1) / 2;
    for (int64_t i = to.rows - 1; i >= 0; --i) {
      for (int64_t j = to.columns - 1; j >= 0; --j) {
        if (isSet(codes_[static_cast<size_t>(i / 2 * above + j / 2)], i, j))
          next_[static_cast<size_t>(i * to.columns + j)] = static_cast<uint8_t>(takeCode(bits));
      }
      if (bits.failed()) return;
    }
    std::swap(codes_, next_);
  }

  void insert() {
    const int64_t across = half(size_).columns;
    for (int64_t i = 0; i < size_.rows; ++i) {
      for (int64_t j = 0; j < size_.columns; ++j) {
        const uint8_t code = codes_[static_cast<size_t>(i / 2 * across + j / 2)];
        set_[static_cast<size_t>(i * size_.columns + j)] |= static_cast<uint8_t>(isSet(code, i, j));
      }
    }
  }

  static bool isSet(uint8_t code, int64_t i, int64_t j) {
    return (code >> (3 - (i % 2 * 2 + j % 2)) & 1) != 0;
  }

  Grid size_;
  std::vector<uint8_t> set_, codes_, next_;
};

}  // namespace

bool hcompressStreamIsComplete(std::span<const unsigned char> stream, int64_t pixels, int mostPlanes) {
  if (stream.size() < kHeaderBytes || stream[0] != 0xdd || stream[1] != 0x99) return false;
  const int64_t rows = bigEndian32(stream, 2), columns = bigEndian32(stream, 6);
  // Of one row or column the decoder makes quadrants without pixels, and writes into them.
  if (rows < 2 || columns < 2 || rows > pixels || columns > pixels || rows * columns != pixels) return false;
  const unsigned char* planes = stream.data() + kHeaderBytes - 3;
  if (*std::max_element(planes, planes + 3) > mostPlanes) return false;
  Bits bits(stream.subspan(kHeaderBytes));
  const Grid upper{(rows + 1) / 2, (columns + 1) / 2}, lower{rows / 2, columns / 2};
  int64_t signs = 0;
  const auto quadrant = [&](Grid size, int count) {
    Quadrant part(size);
    if (!part.decode(bits, count)) return false;
    signs += part.count();
    return true;
  };
  const bool whole = quadrant(upper, planes[0]) && quadrant({upper.rows, lower.columns}, planes[1]) &&
                     quadrant({lower.rows, upper.columns}, planes[1]) && quadrant(lower, planes[2]);
  if (!whole || bits.take(4) != 0 || bits.failed()) return false;
  bits.toByte();
  bits.skip(signs);
  return !bits.failed();
}

}  // namespace otf::fits
