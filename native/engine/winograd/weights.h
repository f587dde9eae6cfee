// Kernels of 3x3 as Winograd's transforms need them.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/strips/layer.h"
#include "tensor/buffer.h"

namespace otf::winograd {

using strips::Values;

/// Shared by all sizes of maps.
class Weights {
 public:
  /// `values`: what is multiplied, kFloat or kBf16. `plain`: [filter][channel][3][3]; `bias`: one for each filter. Throws
  /// kOutOfMemory.
  Weights(int channels, int filters, Values values, const float* plain, const float* bias);

  int channels() const { return channels_; }
  int filters() const { return filters_; }
  Values values() const { return values_; }
  int panels() const { return panels_; }
  int quads() const { return quads_; }
  /// As multiplyPanel() takes it.
  const char* panel(int point, int panel) const;
  const float* bias() const { return bias_.data(); }  // zeros up to whole panels
  int64_t bytes() const { return static_cast<int64_t>(packed_.bytes()); }

 private:
  char* placeOf(int point, int filter, int channel);

  int channels_, filters_, panels_;
  Values values_;
  int quads_;  // of a row: its channels, with what fills up vectors of BF16
  Buffer packed_;
  std::vector<float> bias_;
};

}  // namespace otf::winograd
