#include "engine/winograd/winograd.h"

#include <omp.h>

#include <algorithm>
#include <optional>

#include "engine/winograd/tile_product.h"
#include "engine/winograd/transform.h"

namespace otf::winograd {
namespace {

using avx512::kBlock;
using avx512::kPanel;
using avx512::kQuad;

constexpr int kVector = 16;  // floats
constexpr int64_t kCacheLine = 64;
constexpr int kKernel = kSide - kOutSide + 1;
// Of a piece, as many as the units multiply at once. Weights are read once for each piece: 16 products of 32 KB to 3 MB, which no
// cache near a core keeps.
constexpr int kStripBlocks = 8;
constexpr int kStripTileBlocks = 4;
// A line more from row to row: rows of a power of two would all fall into the same few lines of the first-level cache.
constexpr int64_t kSpread = kCacheLine;
// Of the operations, below which it pays: some that are not counted wait for the caches.
constexpr double kGain = 0.9;

int divided(int a, int b) { return (a + b - 1) / b; }

}  // namespace

bool pays(const Shape& s, Values values, Unit unit) {
  if (s.outWidth() < 1 || s.outHeight() < 1) return false;
  // Operations on vectors: for a tile multiply-adds of its points, then loads, additions and stores of the transforms for each
  // channel (32, 32, 16; of two in BF16 32, 64 for what makes them floats, 64, 32) and each filter (16, 24 and 20 for what follows
  // the sums, 4); for a pixel multiply-adds alone.
  const bool narrow = values == Values::kBf16;
  // Channels that an operation multiplies; by AMX as many as are in the time of one on vectors (measured, Sapphire Rapids).
  const int at = unit == Unit::kAmx ? 8 : (narrow ? 2 : 1);
  const double filters = static_cast<double>(divided(s.filters, kPanel)) * kPanel;
  const double channels = narrow ? divided(s.channels, kShuffled) * kShuffled : s.channels;
  const double fast =
      filters * channels / at + ((narrow ? 96.0 : 80.0) * channels + 64.0 * filters) / kVector;
  const double tiles =
      static_cast<double>(divided(s.outWidth(), kOutSide)) * divided(s.outHeight(), kOutSide);
  const double plain = kKernel * kKernel * (static_cast<double>(s.channels) * s.filters) / kVector / at;
  return fast * tiles < kGain * plain * s.outWidth() * s.outHeight();
}

Convolution::Convolution(std::shared_ptr<const Weights> weights, Unit unit, const Epilogue& epilogue,
                         const Shape& shape, Values target, int batch, int threads, int64_t cache)
    : weights_(std::move(weights)),
      unit_(unit),
      epilogue_(epilogue),
      shape_(shape),
      target_(target),
      batch_(batch),
      threads_(threads),
      across_(divided(shape.outWidth(), kOutSide)),
      tiles_(across_ * divided(shape.outHeight(), kOutSide)),
      zeros_(static_cast<size_t>(shape.channels), 0.0F) {
  const int block = unit == Unit::kAmx ? kTileBlock : kBlock;
  int most = block * (unit == Unit::kAmx ? kStripTileBlocks : kStripBlocks);
  inRow_ = (int64_t{weights_->quads()} * kQuad + kCacheLine - 1) / kCacheLine * kCacheLine + kSpread;
  // Points that stay in the cache meet all weights of a panel, whose sums then do as well: worth strips of half the length.
  const auto held = static_cast<int>(cache / 2 / (kPoints * inRow_) / block) * block;
  const bool holds = held >= most / 2;
  if (holds) most = std::min(most, held);
  // Every thread has something to do: strips of equal length, then panels apart, for which the inputs are transformed again.
  const int shares = divided(threads_, batch_);
  strips_ = divided(tiles_, most);
  if (strips_ < shares) strips_ = std::min(shares, std::max(strips_, tiles_ / (most / 2)));
  strip_ = divided(divided(tiles_, strips_), block) * block;
  strips_ = divided(tiles_, strip_);
  groups_ = std::min(weights_->panels(), divided(shares, strips_));
  inPoint_ = strip_ * inRow_ + kSpread;
  rowsAtOnce_ = holds ? kSide : 1;
  panelsAtOnce_ = holds ? 1 : divided(weights_->panels(), groups_);
  sumRow_ = int64_t{panelsAtOnce_} * kPanel + kVector;
  sumPoint_ = strip_ * sumRow_ + kVector;
  perThread_ = rowsAtOnce_ * kSide * inPoint_ + kPoints * sumPoint_ * static_cast<int64_t>(sizeof(float));
}

void Convolution::run(const void* source, void* target, void* scratch) const {
  auto* const space = static_cast<char*>(scratch);
  if (weights_->values() == Values::kFloat) {
    runItems(static_cast<const float*>(source), static_cast<float*>(target), space);
  } else if (target_ == Values::kFloat) {
    runItems(static_cast<const Bf16*>(source), static_cast<float*>(target), space);
  } else {
    runItems(static_cast<const Bf16*>(source), static_cast<Bf16*>(target), space);
  }
}

template <typename Source, typename Target>
void Convolution::runItems(const Source* source, Target* target, char* scratch) const {
  const int64_t in = int64_t{shape_.width} * shape_.height * shape_.channels;
  const int64_t out = int64_t{shape_.outWidth()} * shape_.outHeight() * shape_.filters;
  const int pieces = strips_ * groups_;
  const int panels = divided(weights_->panels(), groups_);
#pragma omp parallel num_threads(threads_)
  {
    char* const mine = scratch + omp_get_thread_num() * perThread_;
#pragma omp for schedule(dynamic) collapse(2)
    for (int item = 0; item < batch_; ++item) {
      for (int i = 0; i < pieces; ++i) {
        const int tile = i / groups_ * strip_;
        const int panel = i % groups_ * panels;
        const Piece piece{tile, std::min(strip_, tiles_ - tile), panel,
                          std::min(panels, weights_->panels() - panel)};
        if (piece.panels > 0) runPiece(piece, source + item * in, target + item * out, mine);
      }
    }
  }
}

template <typename Source, typename Target>
void Convolution::runPiece(const Piece& piece, const Source* source, Target* target, char* scratch) const {
  char* const points = scratch;
  auto* const sums = reinterpret_cast<float*>(scratch + rowsAtOnce_ * kSide * inPoint_);
  if (rowsAtOnce_ == kSide) bringIn(piece, source, 0, points);
  for (int p = 0; p < piece.panels; p += panelsAtOnce_) {
    const Piece part{piece.tile, piece.tiles, piece.panel + p, std::min(panelsAtOnce_, piece.panels - p)};
    for (int from = 0; from < kSide; from += rowsAtOnce_) {
      if (rowsAtOnce_ < kSide) bringIn(part, source, from, points);
      multiply(part, from, points, sums);
    }
    bringOut(part, sums, target);
  }
}

template <typename Source>
void Convolution::bringIn(const Piece& piece, const Source* source, int from, char* points) const {
  const int64_t row = int64_t{shape_.width} * shape_.channels;
  const int64_t pixel = shape_.channels;
  const auto* const nothing = reinterpret_cast<const Source*>(zeros_.data());
  int top = piece.tile / across_ * kOutSide - shape_.padH;
  int left = piece.tile % across_ * kOutSide - shape_.padW;
  const int right = across_ * kOutSide - shape_.padW;
  for (int i = 0; i < piece.tiles; ++i, left += kOutSide) {
    if (left == right) {
      left = -shape_.padW;
      top += kOutSide;
    }
    const bool inside = top >= 0 && left >= 0 && top + kSide <= shape_.height && left + kSide <= shape_.width;
    const Source* pixels[kPoints];
    for (int at = 0; at < kPoints; ++at) {
      const int y = top + at / kSide;
      const int x = left + at % kSide;
      const bool there = inside || (y >= 0 && x >= 0 && y < shape_.height && x < shape_.width);
      pixels[at] = there ? source + y * row + x * pixel : nothing;
    }
    for (int r = 0; r < rowsAtOnce_; ++r)
      inputPoints(pixels, from + r, shape_.channels, points + r * kSide * inPoint_ + i * inRow_, inPoint_);
  }
}

void Convolution::multiplyRows(const avx512::Rows& rows, const char* panel, const char* next,
                               const avx512::Sums& sums) const {
  if (unit_ == Unit::kAmx) {
    multiplyPanelOnTiles(rows, panel, weights_->quads(), next, sums);
  } else {
    avx512::multiplyPanel(weights_->values(), rows, panel, weights_->quads(), next, sums);
  }
}

void Convolution::multiply(const Piece& piece, int from, const char* points, float* sums) const {
  std::optional<TilesHeld> held;
  if (unit_ == Unit::kAmx) held.emplace(piece.tiles);
  const int first = from * kSide;
  const int end = first + rowsAtOnce_ * kSide;
  const int last = piece.panel + piece.panels - 1;
  for (int point = first; point < end; ++point) {
    for (int panel = piece.panel; panel <= last; ++panel) {
      const char* const weights = weights_->panel(point, panel);
      // After the last of them: that of the piece's next panels, or of none.
      const char* next = weights;
      if (panel < last) {
        next = weights_->panel(point, panel + 1);
      } else if (point + 1 < kPoints) {
        next = weights_->panel(point + 1, piece.panel);
      } else if (last + 1 < weights_->panels()) {
        next = weights_->panel(0, last + 1);
      }
      multiplyRows({points + (point - first) * inPoint_, inRow_, piece.tiles}, weights, next,
                   {sums + point * sumPoint_ + (panel - piece.panel) * kPanel, sumRow_});
    }
  }
}

template <typename Target>
void Convolution::bringOut(const Piece& piece, const float* sums, Target* target) const {
  const int first = piece.panel * kPanel;
  const int filters = std::min(piece.panels * kPanel, shape_.filters - first);
  const int64_t row = int64_t{shape_.outWidth()} * shape_.filters;
  for (int i = 0; i < piece.tiles; ++i) {
    const int y = (piece.tile + i) / across_ * kOutSide;
    const int x = (piece.tile + i) % across_ * kOutSide;
    const OutputTile<Target> to{target + y * row + int64_t{x} * shape_.filters + first, shape_.filters, row,
                                std::min(kOutSide, shape_.outWidth() - x),
                                std::min(kOutSide, shape_.outHeight() - y)};
    outputPixels(sums + i * sumRow_, sumPoint_, filters, weights_->bias() + first, epilogue_, to);
  }
}

}  // namespace otf::winograd
