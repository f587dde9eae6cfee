// Convolutions one after the other in strips of rows, so that what flows between them stays in the second-level cache.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/strips/layer.h"

namespace otf::strips {

struct ChainLayer {
  std::shared_ptr<const Layer> layer;
  int width = 0, height = 0;  // of what comes out
  Values out = Values::kFloat;
};

/// The first layer may be any; all others read each value once, from the map as it is.
class Chain {
 public:
  struct Ends {
    int width = 0, height = 0;  // of the source
    Values in = Values::kFloat;
  };
  /// `threads`: of the OpenMP team that runs it; `cache`: bytes of a core's second-level cache.
  Chain(std::vector<ChainLayer> layers, const Ends& ends, int batch, int threads, int64_t cache);

  int64_t scratchBytes() const { return threads_ * perThread_; }
  /// On all threads of the calling OpenMP team. `scratch`: scratchBytes(), 64-byte aligned. `seconds`: unless null, what
  /// each layer took is added. Outputs do not depend on the batch, the threads or the strips.
  void run(const void* source, void* target, void* scratch, double* seconds) const;

 private:
  int rowsOf(size_t layer) const;
  int64_t stripBytes(size_t layer) const;
  void runStrip(int item, int from, int rows, const char* source, char* target, char* scratch,
                double* seconds) const;

  std::vector<ChainLayer> layers_;
  Ends ends_;
  int batch_, threads_;
  int strip_ = 1;            // output rows of the last layer
  int64_t perThread_ = 0;    // bytes of scratch
  int64_t gather_ = 0;       // of these, for the first layer's source
  int64_t between_[2] = {};  // and for what flows from layer to layer, in turns
};

}  // namespace otf::strips
