#include "engine/amx/product.h"

#include <algorithm>

#include "engine/amx/finish.h"
#include "engine/cpu/tiles.h"

namespace otf::amx {
namespace {

constexpr int64_t kTileBytes = kTileRows * kRowBytes;
constexpr int kSums = kTileRows * kTileRows;
// Of the operand: read again for every pair of tiles of filters, beside which it has to stay in the second-level cache.
constexpr int64_t kSliceBytes = 1 << 20;
// Of all weights: more than these do not stay in the second-level cache from one slice of the operand to the next.
constexpr int64_t kAheadBytes = 512 << 10;

/// The weights that come next, on their way to the second-level cache: a few lines at each product.
struct Ahead {
  const char* next = nullptr;
  const char* end = nullptr;
  int lines = 0;  // at a product

  void fetch() {
    for (int i = 0; i < lines && next < end; ++i, next += kRowBytes) __builtin_prefetch(next, 0, 2);
  }
};

template <Element kElement, int kSum, int kA, int kB>
void multiply() {
  if constexpr (kElement == Element::kBf16) {
    tiles::multiply<kSum, kA, kB>();
  } else {
    tiles::multiplyBytes<kSum, kA, kB>();
  }
}

/// Sums of `kBlocks` blocks of pixels times `kWide` tiles of filters: tiles 0 to 3; operands in 4 and 5, weights in 6, 7.
/// Between the products the vector unit finishes what is pending.
template <Element kElement, int kBlocks, int kWide>
void multiplyBlock(const Weights& weights, const char* const (&first)[2], const Operand& operand,
                   const char* packed, int32_t* sums, Pending& pending, Ahead& ahead,
                   const Filters& filters) {
  tiles::zero<0>();
  if constexpr (kWide > 1) tiles::zero<1>();
  if constexpr (kBlocks > 1) tiles::zero<2>();
  if constexpr (kBlocks > 1 && kWide > 1) tiles::zero<3>();
  const int64_t step = weights.depthBytes();
  const int products = weights.rows() * weights.chunks();
  const int share = (pending.end + products - 1) / products;
  for (int row = 0; row < weights.rows(); ++row) {
    const char* a = first[0] + row * operand.sourceRow;
    const char* b = kBlocks > 1 ? first[1] + row * operand.sourceRow : nullptr;
    for (int chunk = 0; chunk < weights.chunks(); ++chunk) {
      tiles::load<4>(a, operand.pixel);
      if constexpr (kBlocks > 1) tiles::load<5>(b, operand.pixel);
      tiles::load<6>(packed, kRowBytes);
      if constexpr (kWide > 1) tiles::load<7>(packed + kTileBytes, kRowBytes);
      multiply<kElement, 0, 4, 6>();
      if constexpr (kWide > 1) multiply<kElement, 1, 4, 7>();
      if constexpr (kBlocks > 1) multiply<kElement, 2, 5, 6>();
      if constexpr (kBlocks > 1 && kWide > 1) multiply<kElement, 3, 5, 7>();
      ahead.fetch();
      if (pending.next < pending.end) finish(pending, share, filters);
      a += step;
      if constexpr (kBlocks > 1) b += step;
      packed += kWide * kTileBytes;
    }
  }
  tiles::store<0>(sums, kRowBytes);
  if constexpr (kWide > 1) tiles::store<1>(sums + kSums, kRowBytes);
  if constexpr (kBlocks > 1) tiles::store<2>(sums + 2 * kSums, kRowBytes);
  if constexpr (kBlocks > 1 && kWide > 1) tiles::store<3>(sums + 3 * kSums, kRowBytes);
}

tiles::Config configOf(const Weights& weights, int pixels) {
  tiles::Config config;
  const auto depth = static_cast<uint16_t>(weights.depthBytes());
  for (int tile = 0; tile < 8; ++tile) {
    const bool isWeights = tile >= 6;
    config.rows[tile] = static_cast<uint8_t>(isWeights ? weights.depthBytes() / kQuad : pixels);
    config.bytes[tile] = tile == 4 || tile == 5 ? depth : static_cast<uint16_t>(kRowBytes);
  }
  return config;
}

/// Blocks of pixels: where each is read and where it goes.
struct Blocks {
  const Operand& operand;
  const Target& target;
  int pixels, perRow, width;

  int64_t x(int block) const { return std::min(block % perRow * pixels, width - pixels); }
  const char* from(int block) const {
    return operand.first + block / perRow * operand.outputRow + x(block) * operand.pixel;
  }
  char* to(int block) const { return target.first + block / perRow * target.row + x(block) * target.pixel; }
};

/// Blocks `begin` to `end`, two at a time, for the tiles of filters `tile` and, where there is one, `tile + 1`.
template <Element kElement>
void multiplyPair(const Weights& weights, const Epilogue& epilogue, const Blocks& blocks,
                  const Quantised* quantised, int begin, int end, int tile) {
  alignas(64) int32_t sums[2][4 * kSums];  // in turns: one is finished while the other is summed
  const char* const packed = weights.pair(tile / 2);
  const bool wide = tile + 1 < weights.tiles();
  const int first = tile * kTileRows;
  const bool bytes = kElement == Element::kInt8;
  const Filters filters{weights.bias() + first,
                        bytes ? weights.correction() + first : nullptr,
                        bytes ? weights.scale() + first : nullptr,
                        quantised != nullptr ? quantised->inverse.data() + first : nullptr,
                        quantised != nullptr ? quantised->zeros.data() + first : nullptr,
                        epilogue,
                        blocks.target,
                        std::min(2 * kTileRows, weights.geometry().filters - first)};
  const int64_t offset = first * strips::bytesOf(blocks.target.values);
  const int products = weights.rows() * weights.chunks();
  const int twos = (end - begin + 1) / 2;
  Ahead ahead;
  if (weights.bytes() > kAheadBytes) {
    const int next = tile + 2 < weights.tiles() ? tile + 2 : 0;
    const int64_t size = products * kTileBytes * std::min(2, weights.tiles() - next);
    ahead.next = weights.pair(next / 2);
    ahead.end = ahead.next + size;
    ahead.lines =
        static_cast<int>((size / kRowBytes + int64_t{products} * twos - 1) / (int64_t{products} * twos));
  }
  Pending pending;
  int turn = 0;
  for (int block = begin; block < end; block += 2, turn ^= 1) {
    const bool both = block + 1 < end;
    const char* const from[2] = {blocks.from(block), both ? blocks.from(block + 1) : nullptr};
    int32_t* const to = sums[turn];
    if (both && wide)
      multiplyBlock<kElement, 2, 2>(weights, from, blocks.operand, packed, to, pending, ahead, filters);
    if (both && !wide)
      multiplyBlock<kElement, 2, 1>(weights, from, blocks.operand, packed, to, pending, ahead, filters);
    if (!both && wide)
      multiplyBlock<kElement, 1, 2>(weights, from, blocks.operand, packed, to, pending, ahead, filters);
    if (!both && !wide)
      multiplyBlock<kElement, 1, 1>(weights, from, blocks.operand, packed, to, pending, ahead, filters);
    pending = {to,
               {blocks.to(block) + offset, both ? blocks.to(block + 1) + offset : nullptr},
               blocks.pixels,
               0,
               blocks.pixels * (both ? 2 : 1)};
  }
  finish(pending, pending.end, filters);
}

}  // namespace

void multiplyRows(const Weights& weights, const Epilogue& epilogue, const Operand& operand, int rows,
                  int width, const Target& target, const Quantised* quantised) {
  // The last block of a row begins early rather than being narrower: some pixels are computed twice, to the same.
  const int pixels = std::min(kTileRows, width);
  const int perRow = (width + pixels - 1) / pixels;
  const Blocks blocks{operand, target, pixels, perRow, width};
  const int64_t blockBytes = std::max<int64_t>(1, operand.outputRow / perRow);
  const int slice = static_cast<int>(std::max<int64_t>(1, kSliceBytes / blockBytes / 2)) * 2;
  tiles::configure(configOf(weights, pixels));
  for (int begin = 0; begin < perRow * rows; begin += slice) {
    const int end = std::min(perRow * rows, begin + slice);
    for (int tile = 0; tile < weights.tiles(); tile += 2) {
      if (weights.element() == Element::kInt8) {
        multiplyPair<Element::kInt8>(weights, epilogue, blocks, quantised, begin, end, tile);
      } else {
        multiplyPair<Element::kBf16>(weights, epilogue, blocks, quantised, begin, end, tile);
      }
    }
  }
  tiles::release();
}

}  // namespace otf::amx
