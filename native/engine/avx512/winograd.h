// Convolutions of 3x3 in FP32 with fewer multiplications: Winograd's F(2x2, 3x3), its sums as products of matrices.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/cpu/epilogue.h"
#include "tensor/buffer.h"

namespace otf::avx512 {

/// A convolution of 3x3, stride 1, on one size of maps.
struct WinogradShape {
  int channels = 1, filters = 1;
  int padW = 0, padH = 0;
  int width = 0, height = 0;  // of the source
  int outWidth() const { return width + 2 * padW - 2; }
  int outHeight() const { return height + 2 * padH - 2; }
};

/// Whether less is to be done than by 9 multiplications for each channel and filter, transforms and parts of tiles that
/// lie beyond the map included.
bool pays(const WinogradShape& shape);

/// Shared by all sizes of maps.
class WinogradWeights {
 public:
  /// `plain`: [filter][channel][3][3]; `bias`: one for each filter. Throws kOutOfMemory.
  WinogradWeights(int channels, int filters, const float* plain, const float* bias);

  int channels() const { return channels_; }
  int filters() const { return filters_; }
  int panels() const { return panels_; }
  /// [point][panel][channel][kPanel]
  const float* panel(int point, int panel) const { return packed_.floats() + offset(point, panel); }
  const float* bias() const { return bias_.data(); }  // zeros up to whole panels
  int64_t bytes() const { return static_cast<int64_t>(packed_.bytes()); }

 private:
  int64_t offset(int point, int panel) const;

  int channels_, filters_, panels_;
  Buffer packed_;
  std::vector<float> bias_;
};

/// Maps are channels last.
class Winograd {
 public:
  /// `threads`: of the OpenMP team that runs it; `cache`: bytes of a core's second-level cache.
  Winograd(std::shared_ptr<const WinogradWeights> weights, const Epilogue& epilogue,
           const WinogradShape& shape, int batch, int threads, int64_t cache);

  int64_t scratchBytes() const { return threads_ * perThread_; }
  /// On all threads of the calling OpenMP team. `scratch`: scratchBytes(), 64-byte aligned. Outputs do not depend on the
  /// batch, the threads or the cache.
  void run(const float* source, float* target, void* scratch) const;

 private:
  /// Tiles of one item and panels of filters: what a thread does at a time.
  struct Piece {
    int tile = 0, tiles = 0;
    int panel = 0, panels = 0;
  };
  void runPiece(const Piece& piece, const float* source, float* target, float* scratch) const;
  void bringIn(const Piece& piece, const float* source, int from, float* points) const;
  void bringOut(const Piece& piece, const float* sums, float* target) const;

  std::shared_ptr<const WinogradWeights> weights_;
  Epilogue epilogue_;
  WinogradShape shape_;
  int batch_, threads_;
  int across_ = 1;              // tiles of a row
  int tiles_ = 1;               // of an item
  int strip_ = 1, strips_ = 1;  // tiles of a piece; pieces of an item
  int groups_ = 1;              // and of its panels
  int rowsAtOnce_ = 1;          // of points, whose inputs lie in the scratch together
  int64_t inRow_ = 0, inPoint_ = 0, sumRow_ = 0,
          sumPoint_ = 0;      // values from one tile and one point to the next
  int64_t perThread_ = 0;     // bytes of scratch
  std::vector<float> zeros_;  // a pixel beyond the border
};

}  // namespace otf::avx512
