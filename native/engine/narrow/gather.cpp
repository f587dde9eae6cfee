#include "engine/narrow/gather.h"

#include <algorithm>
#include <cstring>

#include "engine/cpu/avx512.h"
#include "tensor/clones.h"

namespace otf::narrow {
namespace {

using strips::Values;

constexpr int64_t kStore = 16;  // bytes written at once
constexpr int64_t kLine = 64;
// With fewer products, or fewer filters that read them, it costs more to put operands elsewhere than is saved.
constexpr int kNearProducts = 16;
constexpr int kPackedTiles = 16;

int64_t lines(int64_t bytes) { return (bytes + kLine - 1) / kLine * kLine; }

/// Rounds to nearest even; NaN stays NaN.
OTF_CLONES void narrow(const float* from, int count, uint16_t* to) {
  for (int i = 0; i < count; ++i) {
    const auto bits = __builtin_bit_cast(uint32_t, from[i]);
    const uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
    const bool isNan = (bits & 0x7fffffffU) > 0x7f800000U;
    to[i] = static_cast<uint16_t>(isNan ? (bits >> 16) | 0x40U : rounded);
  }
}

bool isMultiplied(const Weights& weights, Values values) {
  return values == (weights.element() == Element::kBf16 ? Values::kBf16 : Values::kUnsigned8);
}

int64_t pixelBytes(const Weights& weights) {
  return int64_t{weights.geometry().channels} * valueBytes(weights.element());
}

/// Of a copied map. An odd number of lines, where taps are read apart: the same part of many pixels, which would else meet in
/// few sets of the first-level cache and push each other out.
int64_t copiedBytes(const Weights& weights) {
  const int64_t pixel = pixelBytes(weights);
  return weights.taps() > 1 && pixel % (2 * kLine) == 0 ? pixel + kLine : pixel;
}

/// Zeros, as the map has them.
void putZeros(const Weights& weights, int pixels, char* to) {
  const int64_t pixel = copiedBytes(weights);
  if (weights.element() == Element::kBf16) {
    std::memset(to, 0, static_cast<size_t>(pixels * pixel));
    return;
  }
  for (int x = 0; x < pixels; ++x, to += pixel)
    std::memcpy(to, weights.source()->zero.data(), static_cast<size_t>(pixelBytes(weights)));
}

/// `pixels` pixels of a map as what is multiplied, side by side.
void convert(const Weights& weights, const Source& source, const char* from, int pixels, char* to) {
  if (isMultiplied(weights, source.values)) {
    std::memcpy(to, from, static_cast<size_t>(pixels * pixelBytes(weights)));
  } else if (weights.element() == Element::kInt8) {
    quantise(*weights.source(), from, source.values, pixels, to);
  } else {
    narrow(reinterpret_cast<const float*>(from), pixels * weights.geometry().channels,
           reinterpret_cast<uint16_t*>(to));
  }
}

/// Row `y` of the map with zeros where it has none, and to the left and right; `width` values of all channels.
void copyRow(const Weights& weights, const Source& source, int y, int width, char* to) {
  const int64_t given = weights.geometry().channels * strips::bytesOf(source.values);
  const int left = weights.geometry().padW;
  const int64_t pixel = copiedBytes(weights);
  if (y < 0 || y >= source.height) return putZeros(weights, width, to);
  const int inside = std::min(source.width, width - left);
  const char* const from = source.data + y * int64_t{source.width} * given;
  char* const target = to + left * pixel;
  putZeros(weights, left, to);
  const int together = pixel == pixelBytes(weights) ? inside : 1;
  for (int x = 0; x < inside; x += together)
    convert(weights, source, from + x * given, together, target + x * pixel);
  putZeros(weights, width - left - inside, target + inside * pixel);
}

/// Values of a copied row that the kernel reads for `width` output pixels.
int rowWidth(const Geometry& g, int width) { return (width - 1) * g.strideW + g.kernelW; }

int64_t columnBytes(const Weights& weights) { return weights.products() * kRowBytes; }

/// The values below the kernel of each pixel of an output row side by side, from `rows` (of the copied map).
void fillColumns(const Weights& weights, const char* rows, int64_t rowBytes, int width, char* to) {
  const Geometry& g = weights.geometry();
  const int64_t step = g.strideW * pixelBytes(weights);
  const int64_t part = g.kernelW * pixelBytes(weights);
  const int64_t whole = columnBytes(weights);
  for (int x = 0; x < width; ++x, to += whole, rows += step) {
    char* at = to;
    // Stores of one size may write past their part: the next one, or the next pixel, writes over that.
    if (part <= kStore) {
      for (int y = 0; y < g.kernelH; ++y, at += part) std::memcpy(at, rows + y * rowBytes, kStore);
    } else {
      for (int y = 0; y < g.kernelH; ++y, at += part)
        std::memcpy(at, rows + y * rowBytes, static_cast<size_t>(part));
    }
    for (; at < to + whole; at += kStore) std::memset(at, 0, kStore);
  }
}

/// Rows of one channel value by value. Pairs of rows make 32 bits, and these are put between each other.
class Braider {
 public:
  /// `rows` of a kernel; a zero follows where they are odd.
  explicit Braider(int rows) : rows_(rows), pairs_((rows + 1) / 2) {
    for (int out = 0; out < pairs_; ++out) {
      for (int lane = 0; lane < kLanes; ++lane) {
        const int at = out * kLanes + lane;
        pixel_[out][lane] = at / pairs_;
        ofPair_[out][at % pairs_] |= static_cast<__mmask16>(1U << lane);
      }
    }
  }

  /// Of `width` pixels, and up to 15 more, from rows `rowBytes` apart.
  OTF_AVX512 void braid(const char* from, int64_t rowBytes, int width, char* to) const {
    constexpr __mmask16 kAll = 0xffff;  // as in avx512::finished
    for (int x = 0; x < width; x += kLanes, from += kLanes * 2) {
      __m512i both[kMostPairs];
      for (int pair = 0; pair < pairs_; ++pair) {
        const char* const first = from + 2 * pair * rowBytes;
        both[pair] = sixteen(first);
        if (2 * pair + 1 < rows_)
          both[pair] =
              _mm512_or_si512(both[pair], _mm512_maskz_slli_epi32(kAll, sixteen(first + rowBytes), 16));
      }
      for (int out = 0; out < pairs_; ++out, to += kLine) {
        const __m512i pixel = _mm512_load_si512(pixel_[out]);
        __m512i made = _mm512_setzero_si512();
        for (int pair = 0; pair < pairs_; ++pair)
          made = _mm512_mask_permutexvar_epi32(made, ofPair_[out][pair], pixel, both[pair]);
        _mm512_storeu_si512(to, made);
      }
    }
  }

 private:
  static constexpr int kLanes = avx512::kFloats;
  static constexpr int kMostPairs = kMostBraided / 2;

  OTF_AVX512 static __m512i sixteen(const char* from) {
    return _mm512_maskz_cvtepu16_epi32(0xffff, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  }

  int rows_, pairs_;
  alignas(64) int32_t pixel_[kMostPairs][kLanes] = {};  // of each lane that comes out
  __mmask16 ofPair_[kMostPairs][kMostPairs] = {};
};

/// Bytes of an output row, and what is written beyond it.
int64_t braidBytes(const Weights& weights, int width) {
  const int whole =
      (rowWidth(weights.geometry(), width) + avx512::kFloats - 1) / avx512::kFloats * avx512::kFloats;
  return lines(int64_t{whole} * weights.braided() * 2);
}

/// Whether each block's tiles lie one behind the other, for AMX: many filters read them again, and lines far apart meet in few sets of
/// the first-level cache.
bool isPacked(const Weights& weights, Unit unit) {
  return unit == Unit::kAmx && weights.reading() == Reading::kDirect && weights.products() >= kNearProducts &&
         weights.tiles() >= kPackedTiles;
}

int blocksOf(int width) { return (width + kTileRows - 1) / kTileRows; }

int64_t packedBytes(const Weights& weights, int rows, int width) {
  return int64_t{rows} * blocksOf(width) * weights.products() * kTileBytes;
}

/// The same values of a map, block by block in the order of the products.
Operand pack(const Weights& weights, const Operand& map, int rows, int width, char* to) {
  const int pixels = std::min(kTileRows, width);
  const int64_t tile = pixels * kRowBytes;
  const auto depth = static_cast<size_t>(weights.depthBytes());
  char* at = to;
  for (int y = 0; y < rows; ++y) {
    for (int block = 0; block < blocksOf(width); ++block) {
      const int x = std::min(block * pixels, width - pixels);
      const char* const from = map.first + y * map.outputRow + x * map.pixel;
      for (int part = 0; part < weights.parts(); ++part) {
        for (int row = 0; row < weights.rows(); ++row, at += tile) {
          const char* const first = from + part * map.part + row * map.sourceRow;
          for (int i = 0; i < pixels; ++i) std::memcpy(at + i * kRowBytes, first + i * map.pixel, depth);
        }
      }
    }
  }
  return {.first = to,
          .pixel = kRowBytes,
          .part = weights.rows() * tile,
          .sourceRow = tile,
          .outputRow = blocksOf(width) * weights.products() * tile,
          .block = weights.products() * tile,
          .near = true};
}

}  // namespace

int64_t gatherBytes(const Weights& weights, Unit unit, int sourceWidth, int rows, int width) {
  const Geometry& g = weights.geometry();
  const int copied = std::max(rowWidth(g, width), sourceWidth + g.padW);
  const int64_t rowBytes = lines(copied * copiedBytes(weights) + kStore);
  const int64_t map = ((rows - 1) * g.strideH + g.kernelH) * rowBytes;
  if (isPacked(weights, unit)) return std::max(map, packedBytes(weights, rows, width));
  // What is read beyond a row lies in the next, or here.
  if (weights.reading() == Reading::kBraided) return map + kLine + rows * braidBytes(weights, width);
  if (weights.reading() != Reading::kColumns) return map;
  return map + lines(rows * width * columnBytes(weights) + kStore);
}

Operand gather(const Weights& weights, Unit unit, const Source& source, int from, int rows, int width,
               char* to) {
  const Geometry& g = weights.geometry();
  if (weights.reading() == Reading::kDirect && isMultiplied(weights, source.values)) {
    const int64_t tap = pixelBytes(weights);
    const int64_t row = source.width * tap;
    const Operand map{.first = source.data + int64_t{from} * g.strideH * row,
                      .pixel = g.strideW * tap,
                      .tap = tap,
                      .part = weights.depthBytes(),
                      .sourceRow = row,
                      .outputRow = g.strideH * row};
    return to != nullptr && isPacked(weights, unit) ? pack(weights, map, rows, width, to) : map;
  }
  const int copied = std::max(rowWidth(g, width), source.width + g.padW);
  const int64_t tap = copiedBytes(weights);
  const int64_t row = lines(copied * tap + kStore);
  const int count = (rows - 1) * g.strideH + g.kernelH;
  for (int i = 0; i < count; ++i)
    copyRow(weights, source, from * g.strideH - g.padH + i, copied, to + i * row);
  if (weights.reading() == Reading::kBraided) {
    char* const braids = to + count * row + kLine;
    const int64_t braid = braidBytes(weights, width);
    const Braider braider(g.kernelH);
    for (int y = 0; y < rows; ++y)
      braider.braid(to + y * g.strideH * row, row, rowWidth(g, width), braids + y * braid);
    const int64_t pixel = weights.braided() * int64_t{2};
    return {.first = braids, .pixel = g.strideW * pixel, .part = weights.depthBytes(), .outputRow = braid};
  }
  if (weights.reading() != Reading::kColumns) {
    return {.first = to,
            .pixel = g.strideW * tap,
            .tap = tap,
            .part = weights.depthBytes(),
            .sourceRow = row,
            .outputRow = g.strideH * row,
            .near = weights.taps() > 1 && weights.products() >= kNearProducts};
  }
  char* const columns = to + count * row;
  const int64_t whole = columnBytes(weights);
  for (int y = 0; y < rows; ++y)
    fillColumns(weights, to + y * g.strideH * row, row, width, columns + y * width * whole);
  return {.first = columns, .pixel = whole, .part = weights.depthBytes(), .outputRow = width * whole};
}

}  // namespace otf::narrow
