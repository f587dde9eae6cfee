#include "engine/avx512/winograd.h"

#include <omp.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "engine/avx512/product.h"
#include "engine/avx512/transform.h"

namespace otf::avx512 {
namespace {

constexpr int kVector = 16;  // floats
constexpr int64_t kFloat = sizeof(float);
constexpr int kKernel = kSide - kOutSide + 1;
// Weights are read once for so many tiles: 16 products of 64 KB to 3 MB each, which no cache near a core keeps.
constexpr int kStripTiles = 8 * kBlock;
// A vector more from row to row: rows of a power of two would all fall into the same few lines of the first-level cache.
constexpr int kSpread = kVector;

int64_t wholeVectors(int values) { return (values + kVector - 1) / kVector * kVector; }
int divided(int a, int b) { return (a + b - 1) / b; }

}  // namespace

bool pays(const WinogradShape& s) {
  if (s.outWidth() < 1 || s.outHeight() < 1) return false;
  // Operations on vectors: for a tile multiply-adds of its points, then loads, additions and stores of the transforms for each
  // channel (32, 32, 16) and each filter (16, 24 and 20 for what follows the sums, 4); for a pixel multiply-adds alone.
  const double filters = static_cast<double>(divided(s.filters, kPanel)) * kPanel;
  const double fast = filters * s.channels + (80.0 * s.channels + 64.0 * filters) / kVector;
  const double tiles =
      static_cast<double>(divided(s.outWidth(), kOutSide)) * divided(s.outHeight(), kOutSide);
  const double plain = kKernel * kKernel * (static_cast<double>(s.channels) * s.filters) / kVector;
  return fast * tiles < plain * s.outWidth() * s.outHeight();
}

WinogradWeights::WinogradWeights(int channels, int filters, const float* plain, const float* bias)
    : channels_(channels),
      filters_(filters),
      panels_(divided(filters, kPanel)),
      packed_(static_cast<size_t>(kPoints * kFloat * panels_ * channels * kPanel)) {
  bias_.assign(static_cast<size_t>(panels_) * kPanel, 0.0F);
  std::copy_n(bias, filters, bias_.begin());
  std::memset(packed_.data(), 0, packed_.bytes());
  for (int f = 0; f < filters; ++f) {
    for (int c = 0; c < channels; ++c) {
      const auto points = kernelPoints(plain + (int64_t{f} * channels + c) * kKernel * kKernel);
      for (int p = 0; p < kPoints; ++p) {
        float* const to = packed_.floats() + offset(p, f / kPanel);
        to[int64_t{c} * kPanel + f % kPanel] = static_cast<float>(points[static_cast<size_t>(p)]);
      }
    }
  }
}

int64_t WinogradWeights::offset(int point, int panel) const {
  return (int64_t{point} * panels_ + panel) * channels_ * kPanel;
}

Winograd::Winograd(std::shared_ptr<const WinogradWeights> weights, const Epilogue& epilogue,
                   const WinogradShape& shape, int batch, int threads, int64_t cache)
    : weights_(std::move(weights)),
      epilogue_(epilogue),
      shape_(shape),
      batch_(batch),
      threads_(threads),
      across_(divided(shape.outWidth(), kOutSide)),
      tiles_(across_ * divided(shape.outHeight(), kOutSide)),
      zeros_(static_cast<size_t>(shape.channels), 0.0F) {
  // Every thread has something to do: strips of equal length, then panels apart, for which the inputs are transformed again.
  const int shares = divided(threads_, batch_);
  strips_ = divided(tiles_, kStripTiles);
  if (strips_ < shares) strips_ = std::min(shares, std::max(strips_, tiles_ / (kStripTiles / 2)));
  strip_ = divided(divided(tiles_, strips_), kBlock) * kBlock;
  strips_ = divided(tiles_, strip_);
  groups_ = std::min(weights_->panels(), divided(shares, strips_));
  inRow_ = wholeVectors(shape.channels) + kSpread;
  inPoint_ = strip_ * inRow_ + kSpread;
  sumRow_ = int64_t{weights_->panels()} * kPanel + kSpread;
  sumPoint_ = strip_ * sumRow_ + kSpread;
  rowsAtOnce_ = kPoints * inPoint_ * kFloat <= cache / 4 ? kSide : 1;
  perThread_ = (rowsAtOnce_ * kSide * inPoint_ + kPoints * sumPoint_) * kFloat;
}

void Winograd::run(const float* source, float* target, void* scratch) const {
  const int64_t in = int64_t{shape_.width} * shape_.height * shape_.channels;
  const int64_t out = int64_t{shape_.outWidth()} * shape_.outHeight() * shape_.filters;
  const int pieces = strips_ * groups_;
  const int panels = divided(weights_->panels(), groups_);
#pragma omp parallel num_threads(threads_)
  {
    float* const mine = static_cast<float*>(scratch) + omp_get_thread_num() * (perThread_ / kFloat);
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

void Winograd::runPiece(const Piece& piece, const float* source, float* target, float* scratch) const {
  float* const points = scratch;
  float* const sums = scratch + rowsAtOnce_ * kSide * inPoint_;
  for (int from = 0; from < kSide; from += rowsAtOnce_) {
    bringIn(piece, source, from, points);
    for (int i = 0; i < rowsAtOnce_ * kSide; ++i) {
      const int point = from * kSide + i;
      for (int p = 0; p < piece.panels; ++p) {
        const int panel = piece.panel + p;
        const float* const weights = weights_->panel(point, panel);
        const float* const next =
            p + 1 < piece.panels ? weights_->panel(point, panel + 1)
                                 : (point + 1 < kPoints ? weights_->panel(point + 1, piece.panel) : weights);
        multiplyPanel({points + i * inPoint_, inRow_, piece.tiles}, weights, shape_.channels, next,
                      {sums + point * sumPoint_ + panel * kPanel, sumRow_});
      }
    }
  }
  bringOut(piece, sums, target);
}

void Winograd::bringIn(const Piece& piece, const float* source, int from, float* points) const {
  const int64_t row = int64_t{shape_.width} * shape_.channels;
  const int64_t pixel = shape_.channels;
  int top = piece.tile / across_ * kOutSide - shape_.padH;
  int left = piece.tile % across_ * kOutSide - shape_.padW;
  const int right = across_ * kOutSide - shape_.padW;
  for (int i = 0; i < piece.tiles; ++i, left += kOutSide) {
    if (left == right) {
      left = -shape_.padW;
      top += kOutSide;
    }
    const bool inside = top >= 0 && left >= 0 && top + kSide <= shape_.height && left + kSide <= shape_.width;
    const float* pixels[kPoints];
    for (int at = 0; at < kPoints; ++at) {
      const int y = top + at / kSide;
      const int x = left + at % kSide;
      const bool there = inside || (y >= 0 && x >= 0 && y < shape_.height && x < shape_.width);
      pixels[at] = there ? source + y * row + x * pixel : zeros_.data();
    }
    for (int r = 0; r < rowsAtOnce_; ++r)
      inputPoints(pixels, from + r, shape_.channels, points + r * kSide * inPoint_ + i * inRow_, inPoint_);
  }
}

void Winograd::bringOut(const Piece& piece, const float* sums, float* target) const {
  const int first = piece.panel * kPanel;
  const int filters = std::min(piece.panels * kPanel, shape_.filters - first);
  const int64_t row = int64_t{shape_.outWidth()} * shape_.filters;
  for (int i = 0; i < piece.tiles; ++i) {
    const int y = (piece.tile + i) / across_ * kOutSide;
    const int x = (piece.tile + i) % across_ * kOutSide;
    const OutputTile to{target + y * row + int64_t{x} * shape_.filters + first, shape_.filters, row,
                        std::min(kOutSide, shape_.outWidth() - x),
                        std::min(kOutSide, shape_.outHeight() - y)};
    outputPixels(sums + i * sumRow_ + first, sumPoint_, filters, weights_->bias() + first, epilogue_, to);
  }
}

}  // namespace otf::avx512
