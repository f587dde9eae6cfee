// Products on AMX: its eight tiles hold pixels, filters and their sums.
#include <algorithm>
#include <utility>

#include "engine/cpu/tiles.h"
#include "engine/narrow/finish.h"
#include "engine/narrow/product.h"

namespace otf::narrow {
namespace {

constexpr int kFinished = 8;  // pixels
// Where no tile was stored for some 120 multiplications, the next store took 0.3 us more (measured, Sapphire Rapids): one is
// stored in between, to nowhere.
constexpr int kStoredProducts = 12;
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

/// Two ways to use eight tiles, whichever brings less from the second-level cache: blocks of pixels times tiles of filters, whose
/// sums take most.
struct Way {
  int blocks, filters;
  bool again;  // the operands are loaded for each tile of filters
};
constexpr Way kEach{2, 2, false};
/// Where operands are near: weights meet more blocks.
constexpr Way kAgain{3, 2, true};

constexpr int sumsOf(Way way) { return way.blocks * way.filters; }
constexpr int sumOf(Way way, int block, int tile) { return block * way.filters + tile; }
constexpr int operandOf(Way way, int block) { return sumsOf(way) + (way.again ? 0 : block); }
constexpr int weightsOf(Way way, int tile) { return way.again ? 7 : 8 - way.filters + tile; }

/// Of a call: what does not change from block to block.
struct Call {
  const Weights& weights;
  const Operand& operand;
  const Filters& filters;
  const char* packed;  // of its tiles of filters
};

template <Element kElement, Way kWay, int kBlock, int kCount>
void multiplyOperand(const char* from, int64_t pixel) {
  constexpr int kA = operandOf(kWay, kBlock);
  tiles::load<kA>(from, pixel);
  multiply<kElement, sumOf(kWay, kBlock, 0), kA, weightsOf(kWay, 0)>();
  if constexpr (kCount > 1) multiply<kElement, sumOf(kWay, kBlock, 1), kA, weightsOf(kWay, 1)>();
}

template <Element kElement, Way kWay, int kBlock, int kTile>
void multiplyAgain(const char* from, int64_t pixel) {
  constexpr int kA = operandOf(kWay, kBlock);
  tiles::load<kA>(from, pixel);
  multiply<kElement, sumOf(kWay, kBlock, kTile), kA, weightsOf(kWay, kTile)>();
}

/// One product of each block and tile.
template <Element kElement, Way kWay, int kCount, int... kBlock>
void multiplyOnce(const char* const* first, int64_t at, int64_t pixel, const char* packed,
                  std::integer_sequence<int, kBlock...>) {
  tiles::load<weightsOf(kWay, 0)>(packed, kRowBytes);
  if constexpr (kWay.again) {
    (multiplyAgain<kElement, kWay, kBlock, 0>(first[kBlock] + at, pixel), ...);
    if constexpr (kCount > 1) {
      tiles::load<weightsOf(kWay, 1)>(packed + kTileBytes, kRowBytes);
      (multiplyAgain<kElement, kWay, kBlock, 1>(first[kBlock] + at, pixel), ...);
    }
  } else {
    if constexpr (kCount > 1) tiles::load<weightsOf(kWay, 1)>(packed + kTileBytes, kRowBytes);
    (multiplyOperand<kElement, kWay, kBlock, kCount>(first[kBlock] + at, pixel), ...);
  }
}

/// Sums of blocks of pixels times `kCount` tiles of filters. Between the products the vector unit finishes what is pending.
template <Element kElement, Way kWay, int kCount, int... kBlock>
void multiplyBlocks(const Call& call, const char* const* first, int32_t* sums, Pending& pending, Ahead& ahead,
                    std::integer_sequence<int, kBlock...> blocks) {
  const Weights& weights = call.weights;
  const Operand& operand = call.operand;
  (tiles::zero<sumOf(kWay, kBlock, 0)>(), ...);
  if constexpr (kCount > 1) (tiles::zero<sumOf(kWay, kBlock, 1)>(), ...);
  // A few pixels at a time: each time its constants are fetched again.
  const int times = std::max(1, std::min(weights.products(), pending.end / kFinished));
  const int share = (pending.end + times - 1) / times;
  const int every = weights.products() / times;
  int until = every;
  int stored = 0;
  alignas(64) int32_t nowhere[kTileSums];
  const char* packed = call.packed;
  for (int part = 0; part < weights.parts(); ++part) {
    for (int row = 0; row < weights.rows(); ++row) {
      int64_t at = part * operand.part + row * operand.sourceRow;
      for (int tap = 0; tap < weights.taps(); ++tap, at += operand.tap) {
        multiplyOnce<kElement, kWay, kCount>(first, at, operand.pixel, packed, blocks);
        ahead.fetch();
        if (--until == 0) {
          finish(pending, share, call.filters);
          until = every;
        }
        if (++stored == kStoredProducts) {
          tiles::store<0>(nowhere, kRowBytes);
          stored = 0;
        }
        packed += kCount * kTileBytes;
      }
    }
  }
  (tiles::store<sumOf(kWay, kBlock, 0)>(sums + kBlock * kCount * kTileSums, kRowBytes), ...);
  if constexpr (kCount > 1)
    (tiles::store<sumOf(kWay, kBlock, 1)>(sums + (kBlock * kCount + 1) * kTileSums, kRowBytes), ...);
}

template <Element kElement, Way kWay, int kCount>
void multiplyBlocks(const Call& call, const char* const* first, int blocks, int32_t* sums, Pending& pending,
                    Ahead& ahead) {
  const auto go = [&]<int kBlocks>() {
    if (blocks == kBlocks)
      multiplyBlocks<kElement, kWay, kCount>(call, first, sums, pending, ahead,
                                             std::make_integer_sequence<int, kBlocks>());
  };
  [&]<int... kBlocks>(std::integer_sequence<int, kBlocks...>) {
    (go.template operator()<kBlocks + 1>(), ...);
  }(std::make_integer_sequence<int, kWay.blocks>());
}

tiles::Config configOf(const Weights& weights, Way way, int pixels) {
  tiles::Config config;
  const auto depth = static_cast<uint16_t>(weights.depthBytes());
  for (int tile = 0; tile < 8; ++tile) {
    const bool isWeights = tile >= weightsOf(way, 0);
    const bool isOperand = !isWeights && tile >= sumsOf(way);
    config.rows[tile] = static_cast<uint8_t>(isWeights ? weights.depthBytes() / kQuad : pixels);
    config.bytes[tile] = isOperand ? depth : static_cast<uint16_t>(kRowBytes);
  }
  return config;
}

/// Blocks of pixels: where each is read and where it goes. Of some rows, those below each other follow each other: they read
/// the same source rows.
struct Blocks {
  const Operand& operand;
  const Target& target;
  int pixels, width;
  int firstRow, rows;

  int count() const { return rows * ((width + pixels - 1) / pixels); }
  // The last block of a row begins early rather than being narrower: some pixels are computed twice, to the same.
  int64_t x(int block) const { return std::min(block / rows * pixels, width - pixels); }
  int64_t y(int block) const { return firstRow + block % rows; }
  const char* from(int block) const {
    const int64_t across = operand.block > 0 ? block / rows * operand.block : x(block) * operand.pixel;
    return operand.first + y(block) * operand.outputRow + across;
  }
  char* to(int block) const { return target.first + y(block) * target.row + x(block) * target.pixel; }
};

/// Weights of the tiles that come next, over all products of `groups` groups of blocks.
Ahead aheadOf(const Weights& weights, int next, int count, int groups) {
  Ahead ahead;
  if (weights.bytes() <= kAheadBytes) return ahead;
  const int64_t size = int64_t{weights.products()} * kTileBytes * count;
  ahead.next = weights.packed(next);
  ahead.end = ahead.next + size;
  const int64_t products = int64_t{weights.products()} * groups;
  ahead.lines = static_cast<int>((size / kRowBytes + products - 1) / products);
  return ahead;
}

/// All blocks for `kCount` tiles of filters from `tile` on.
template <Element kElement, Way kWay, int kCount>
void multiplyTiles(const Weights& weights, const Epilogue& epilogue, const Blocks& blocks,
                   const Quantised* quantised, int tile) {
  alignas(64)
      int32_t sums[2][sumsOf(kWay) * kTileSums];  // in turns: one is finished while the other is summed
  const Filters filters = filtersOf(weights, epilogue, blocks.target, quantised, tile, kCount);
  const Call call{weights, blocks.operand, filters, weights.packed(tile)};
  const int64_t offset = int64_t{tile} * kTileRows * strips::bytesOf(blocks.target.values);
  const int groups = (blocks.count() + kWay.blocks - 1) / kWay.blocks;
  const int next = tile + kWay.filters < weights.tiles() ? tile + kWay.filters : 0;
  Ahead ahead = aheadOf(weights, next, std::min(kWay.filters, weights.tiles() - next), groups);
  Pending pending;
  int turn = 0;
  for (int group = 0; group < groups; ++group, turn ^= 1) {
    const int begin = blocks.count() * group / groups;
    const int count = blocks.count() * (group + 1) / groups - begin;
    const char* from[kWay.blocks] = {};
    for (int i = 0; i < count; ++i) from[i] = blocks.from(begin + i);
    multiplyBlocks<kElement, kWay, kCount>(call, from, count, sums[turn], pending, ahead);
    pending = {sums[turn], {}, kCount * kTileSums, blocks.pixels, 0, blocks.pixels * count};
    for (int i = 0; i < count; ++i) pending.to[i] = blocks.to(begin + i) + offset;
  }
  finish(pending, pending.end, filters);
}

template <Element kElement, Way kWay>
void multiplySlice(const Weights& weights, const Epilogue& epilogue, const Blocks& blocks,
                   const Quantised* quantised) {
  int tile = 0;
  for (; tile + 1 < weights.tiles(); tile += 2)
    multiplyTiles<kElement, kWay, 2>(weights, epilogue, blocks, quantised, tile);
  if (tile < weights.tiles()) multiplyTiles<kElement, kWay, 1>(weights, epilogue, blocks, quantised, tile);
}

template <Element kElement>
void multiplySlice(const Weights& weights, Way way, const Epilogue& epilogue, const Blocks& blocks,
                   const Quantised* quantised) {
  if (way.again) {
    multiplySlice<kElement, kAgain>(weights, epilogue, blocks, quantised);
  } else {
    multiplySlice<kElement, kEach>(weights, epilogue, blocks, quantised);
  }
}

}  // namespace

void multiplyRowsOnTiles(const Weights& weights, const Epilogue& epilogue, const Operand& operand, int rows,
                         int width, const Target& target, const Quantised* quantised) {
  const int pixels = std::min(kTileRows, width);
  const int slice =
      static_cast<int>(std::clamp<int64_t>(kSliceBytes / std::max<int64_t>(1, operand.outputRow), 1, rows));
  const Way way = operand.near ? kAgain : kEach;
  tiles::configure(configOf(weights, way, pixels));
  for (int begin = 0; begin < rows; begin += slice) {
    const Blocks blocks{operand, target, pixels, width, begin, std::min(slice, rows - begin)};
    if (weights.element() == Element::kInt8) {
      multiplySlice<Element::kInt8>(weights, way, epilogue, blocks, quantised);
    } else {
      multiplySlice<Element::kBf16>(weights, way, epilogue, blocks, quantised);
    }
  }
  tiles::release();
}

}  // namespace otf::narrow
