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
  explicit Bits(std::span<const unsigned char> bytes) : bytes_(bytes) {}

  bool failed() const { return failed_; }
  void toByte() { held_ -= held_ % 8; }
  void skip(int64_t bits) {
    if (bits > held_ + static_cast<int64_t>(bytes_.size() - at_) * 8) failed_ = true;
  }

  /// At most 8 of them.
  int take(int bits) {
    const int value = peek(bits);
    drop(bits);
    return value;
  }

  /// Zeros stand for what is behind the end.
  int peek(int bits) {
    while (held_ < bits) {
      const bool there = at_ < bytes_.size();
      window_ = window_ << 8 | (there ? bytes_[at_] : 0U);
      held_ += 8;
      if (there)
        ++at_;
      else
        ++beyond_;
    }
    return static_cast<int>(window_ >> (held_ - bits)) & ((1 << bits) - 1);
  }

  void drop(int bits) {
    held_ -= bits;
    // Of the bytes that are not there, none may have been begun.
    if (held_ < beyond_ * 8) failed_ = true;
  }

 private:
  std::span<const unsigned char> bytes_;
  size_t at_ = 0;
  uint32_t window_ = 0;
  int held_ = 0, beyond_ = 0;
  bool failed_ = false;
};

struct Code {
  uint8_t bits, value;
};

/// Four bits of a square of two by two pixels, by the next six bits of the stream.
constexpr std::array<Code, 64> kCodes = [] {
  std::array<Code, 64> codes{};
  const auto set = [&](int code, uint8_t bits, uint8_t value) {
    for (int i = 0; i < 1 << (6 - bits); ++i)
      codes[static_cast<size_t>(code << (6 - bits) | i)] = {bits, value};
  };
  for (int i = 0; i < 4; ++i) set(i, 3, static_cast<uint8_t>(1 << i));
  constexpr std::array<uint8_t, 5> kFour = {3, 5, 10, 12, 15}, kFive = {6, 7, 9, 11, 13};
  for (int i = 0; i < 5; ++i) {
    set(8 + i, 4, kFour[static_cast<size_t>(i)]);
    set(26 + i, 5, kFive[static_cast<size_t>(i)]);
  }
  set(62, 6, 0);
  set(63, 6, 14);
  return codes;
}();

uint8_t takeCode(Bits& bits) {
  const Code code = kCodes[static_cast<size_t>(bits.peek(6))];
  bits.drop(code.bits);
  return code.value;
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
    codes_.assign(1, takeCode(bits));
    for (size_t level = levels.size() - 1; level-- > 0 && !bits.failed();) {
      next_.assign(cells(levels[level]), 0);
      spread(levels[level], next_);
      // Each says which of the next level's four are there at all; those are read from the last to the first.
      for (size_t i = next_.size(); i-- > 0;) {
        if (next_[i] != 0) next_[i] = takeCode(bits);
      }
      std::swap(codes_, next_);
    }
  }

  void insert() { spread(size_, set_); }

  /// A one in `to`, a grid of this size, for each bit of the codes.
  void spread(Grid size, std::vector<uint8_t>& to) const {
    const Grid codes = half(size);
    for (int64_t i = 0; i < codes.rows; ++i) {
      const uint8_t* from = codes_.data() + i * codes.columns;
      uint8_t* upper = to.data() + 2 * i * size.columns;
      uint8_t* lower = 2 * i + 1 < size.rows ? upper + size.columns : nullptr;
      for (int64_t j = 0; j < codes.columns; ++j) {
        const uint8_t code = from[j];
        if (code == 0) continue;
        const bool right = 2 * j + 1 < size.columns;
        if ((code & 8) != 0) upper[2 * j] = 1;
        if ((code & 4) != 0 && right) upper[2 * j + 1] = 1;
        if ((code & 2) != 0 && lower != nullptr) lower[2 * j] = 1;
        if ((code & 1) != 0 && lower != nullptr && right) lower[2 * j + 1] = 1;
      }
    }
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
