// Convolutions in FP32 by direct sums, for chains of strips.
#pragma once

#include <memory>
#include <vector>

#include "engine/cpu/epilogue.h"
#include "engine/strips/layer.h"
#include "tensor/buffer.h"

namespace otf::avx512 {

using strips::Geometry;

/// Shared by all sizes of maps.
class DirectWeights {
 public:
  /// `plain`: [filter][channel][kernelH][kernelW]; `bias`: one for each filter. Throws kOutOfMemory.
  DirectWeights(const Geometry& geometry, const float* plain, const float* bias);

  const Geometry& geometry() const { return geometry_; }
  int depth() const { return geometry_.kernelW * geometry_.channels; }  // values of a row of the kernel
  int panels() const { return panels_; }
  /// [panel][kernelH][kernelW][channel][kPanel]
  const float* panel(int panel) const;
  const float* bias() const { return bias_.data(); }  // zeros up to whole panels
  int64_t bytes() const { return static_cast<int64_t>(packed_.bytes()); }

 private:
  Geometry geometry_;
  int panels_;
  Buffer packed_;
  std::vector<float> bias_;
};

/// Maps are floats. Needs AVX-512.
class DirectLayer final : public strips::Layer {
 public:
  DirectLayer(std::shared_ptr<const DirectWeights> weights, const Epilogue& epilogue)
      : weights_(std::move(weights)), epilogue_(epilogue) {}

  const Geometry& geometry() const override { return weights_->geometry(); }
  int64_t scratchBytes(int sourceWidth, int rows, int width) const override;
  void run(const strips::Map& source, int from, int rows, int width, char* scratch,
           const strips::Target& target) const override;

 private:
  std::shared_ptr<const DirectWeights> weights_;
  Epilogue epilogue_;
};

}  // namespace otf::avx512
