// Convolutions of 3x3 with fewer multiplications: Winograd's F(2x2, 3x3), its sums as products of matrices, of FP32 or BF16.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/avx512/product.h"
#include "engine/cpu/epilogue.h"
#include "engine/cpu/unit.h"
#include "engine/winograd/weights.h"

namespace otf::winograd {

/// A convolution of 3x3, stride 1, on one size of maps.
struct Shape {
  int channels = 1, filters = 1;
  int padW = 0, padH = 0;
  int width = 0, height = 0;  // of the source
  int outWidth() const { return width + 2 * padW - 2; }
  int outHeight() const { return height + 2 * padH - 2; }
};

/// Whether less is to be done than by 9 multiplications for each channel and filter, transforms and parts of tiles that
/// lie beyond the map included. `values`: what is multiplied, of kFloat on vectors.
bool pays(const Shape& shape, Values values, Unit unit);

/// Maps are channels last, sources of the weights' values.
class Convolution {
 public:
  /// `target`: the values of what comes out; of kFloat weights kFloat. `threads`: of the OpenMP team that runs it; `cache`: bytes of a
  /// core's second-level cache.
  Convolution(std::shared_ptr<const Weights> weights, Unit unit, const Epilogue& epilogue, const Shape& shape,
              Values target, int batch, int threads, int64_t cache);

  int64_t scratchBytes() const { return threads_ * perThread_; }
  /// On all threads of the calling OpenMP team. `scratch`: scratchBytes(), 64-byte aligned. Outputs do not depend on the
  /// batch, the threads or the cache. Needs AVX-512, for kBf16 with BF16, for kAmx tiles::available().
  void run(const void* source, void* target, void* scratch) const;

 private:
  /// Tiles of one item and panels of filters: what a thread does at a time.
  struct Piece {
    int tile = 0, tiles = 0;
    int panel = 0, panels = 0;
  };
  template <typename Source, typename Target>
  void runItems(const Source* source, Target* target, char* scratch) const;
  template <typename Source, typename Target>
  void runPiece(const Piece& piece, const Source* source, Target* target, char* scratch) const;
  template <typename Source>
  void bringIn(const Piece& piece, const Source* source, int from, char* points) const;
  /// Sums of some points of `piece`, whose inputs lie in `points`.
  void multiply(const Piece& piece, int from, const char* points, float* sums) const;
  void multiplyRows(const avx512::Rows& rows, const char* panel, const char* next,
                    const avx512::Sums& sums) const;
  template <typename Target>
  void bringOut(const Piece& piece, const float* sums, Target* target) const;

  std::shared_ptr<const Weights> weights_;
  Unit unit_;
  Epilogue epilogue_;
  Shape shape_;
  Values target_;
  int batch_, threads_;
  int across_ = 1;                     // tiles of a row
  int tiles_ = 1;                      // of an item
  int strip_ = 1, strips_ = 1;         // tiles of a piece; pieces of an item
  int groups_ = 1;                     // and of its panels
  int rowsAtOnce_ = 1;                 // of points, whose inputs lie in the scratch together
  int panelsAtOnce_ = 1;               // whose sums do
  int64_t inRow_ = 0, inPoint_ = 0;    // bytes from one tile and one point to the next
  int64_t sumRow_ = 0, sumPoint_ = 0;  // values
  int64_t perThread_ = 0;              // bytes of scratch
  std::vector<float> zeros_;           // a pixel beyond the border
};

}  // namespace otf::winograd
