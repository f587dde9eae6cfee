#include "engine/amx/gather.h"

#include <algorithm>
#include <cstring>

#include "tensor/clones.h"

namespace otf::amx {
namespace {

using strips::Values;

constexpr int64_t kStore = 16;  // bytes written at once
constexpr int64_t kLine = 64;

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

/// Zeros, as the map has them.
void putZeros(const Weights& weights, int pixels, char* to) {
  const int64_t pixel = pixelBytes(weights);
  if (weights.element() == Element::kBf16) {
    std::memset(to, 0, static_cast<size_t>(pixels * pixel));
    return;
  }
  for (int x = 0; x < pixels; ++x, to += pixel)
    std::memcpy(to, weights.source()->zero.data(), static_cast<size_t>(pixel));
}

/// Row `y` of the map with zeros where it has none, and to the left and right; `width` values of all channels.
void copyRow(const Weights& weights, const Source& source, int y, int width, char* to) {
  const int channels = weights.geometry().channels;
  const int left = weights.geometry().padW;
  const int64_t pixel = pixelBytes(weights);
  if (y < 0 || y >= source.height) return putZeros(weights, width, to);
  const int inside = std::min(source.width, width - left);
  const char* const from =
      source.data + y * int64_t{source.width} * channels * strips::bytesOf(source.values);
  char* const target = to + left * pixel;
  putZeros(weights, left, to);
  if (isMultiplied(weights, source.values)) {
    std::memcpy(target, from, static_cast<size_t>(inside * pixel));
  } else if (weights.element() == Element::kInt8) {
    quantise(*weights.source(), from, source.values, inside, target);
  } else {
    narrow(reinterpret_cast<const float*>(from), inside * channels, reinterpret_cast<uint16_t*>(target));
  }
  putZeros(weights, width - left - inside, target + inside * pixel);
}

/// Values of a copied row that the kernel reads for `width` output pixels.
int rowWidth(const Geometry& g, int width) { return (width - 1) * g.strideW + g.kernelW; }

int64_t columnBytes(const Weights& weights) { return weights.chunks() * kRowBytes; }

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

}  // namespace

int64_t gatherBytes(const Weights& weights, int sourceWidth, int rows, int width) {
  const Geometry& g = weights.geometry();
  const int copied = std::max(rowWidth(g, width), sourceWidth + g.padW);
  const int64_t rowBytes = lines(copied * pixelBytes(weights) + kStore);
  const int64_t map = ((rows - 1) * g.strideH + g.kernelH) * rowBytes;
  if (weights.reading() != Reading::kColumns) return map;
  return map + lines(rows * width * columnBytes(weights) + kStore);
}

Gathered gather(const Weights& weights, const Source& source, int from, int rows, int width, char* to) {
  const Geometry& g = weights.geometry();
  const int64_t pixel = g.strideW * pixelBytes(weights);
  if (weights.reading() == Reading::kDirect && isMultiplied(weights, source.values)) {
    const int64_t row = source.width * pixelBytes(weights);
    return {source.data + int64_t{from} * g.strideH * row, pixel, row, g.strideH * row};
  }
  const int copied = std::max(rowWidth(g, width), source.width + g.padW);
  const int64_t row = lines(copied * pixelBytes(weights) + kStore);
  const int count = (rows - 1) * g.strideH + g.kernelH;
  for (int i = 0; i < count; ++i)
    copyRow(weights, source, from * g.strideH - g.padH + i, copied, to + i * row);
  if (weights.reading() != Reading::kColumns) return {to, pixel, row, g.strideH * row};
  char* const columns = to + count * row;
  const int64_t whole = columnBytes(weights);
  for (int y = 0; y < rows; ++y)
    fillColumns(weights, to + y * g.strideH * row, row, width, columns + y * width * whole);
  return {columns, whole, 0, width * whole};
}

}  // namespace otf::amx
