// Weights in oneDNN's order: brought there once per layer and layout, shared by every batch size that wants the same.
#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "engine/avx512/direct.h"
#include "engine/narrow/weights.h"
#include "engine/onednn/compat.h"
#include "engine/winograd/weights.h"
#include "model/network.h"

namespace otf::onednn {

/// Weights and bias of one layer as a primitive takes them.
struct LayerWeights {
  dnnl::memory weights, bias;
};

/// How the sizes of outputs follow from those of inputs: |pre-activation| <= gain*|input| + shift.
struct Reach {
  float gain = 0, shift = 0;
};

strips::Geometry geometryOf(const ConvLayer& layer);

/// One thread at a time: the one that builds a plan.
class WeightStore {
 public:
  /// `inputBias` replaces the stored bias value of the first layer.
  WeightStore(std::shared_ptr<const Network> network, float inputBias, dnnl::engine engine);

  /// `scaled`: AVG_MODEL, 1-rate is folded into weights and bias; MC_MODEL takes them as they are.
  /// `rank`: 2 or 3 spatial axes. `layout`: the primitive's weights descriptor.
  LayerWeights conv(size_t layer, bool scaled, size_t rank, const Desc& layout, dnnl::stream& stream);
  /// The same for products of tiles; the layer must be two-dimensional.
  std::shared_ptr<const narrow::Weights> tiles(size_t layer, bool scaled);
  /// The same in bytes, for maps of `source`.
  std::shared_ptr<const narrow::Weights> byteTiles(size_t layer, bool scaled,
                                                   const std::shared_ptr<const narrow::Quantised>& source);
  /// The same for direct sums.
  std::shared_ptr<const avx512::DirectWeights> direct(size_t layer, bool scaled);
  /// The same for Winograd's transforms, of kernels of 3x3.
  std::shared_ptr<const winograd::Weights> winograd(size_t layer, bool scaled, strips::Values values);
  /// `input`: the spatial shape the dense layer flattens, or {1,1,1} x values after another dense layer.
  LayerWeights dense(size_t layer, bool scaled, const Dims& weightDims, const Desc& layout,
                     dnnl::stream& stream);

  Reach reachOfConv(size_t layer, bool scaled) const;
  int64_t bytes() const { return bytes_; }

 private:
  struct Kept {
    bool scaled;
    Desc layout;
    LayerWeights memory;
  };
  /// [filter][channel][z][y][x], and one bias for each filter.
  struct Plain {
    std::vector<float> weights, bias;
  };
  Plain plainConv(size_t layer, bool scaled) const;
  float biasOf(size_t layer, float stored) const { return layer == 0 ? inputBias_ : stored; }
  const LayerWeights* find(size_t layer, bool scaled, const Desc& layout) const;
  LayerWeights keep(size_t layer, bool scaled, const Desc& layout, const Desc& plain, float* weights,
                    const std::vector<float>& bias, dnnl::stream& stream);

  std::shared_ptr<const Network> network_;
  float inputBias_;
  dnnl::engine engine_;
  std::map<size_t, std::vector<Kept>> kept_;
  /// Weights in an order of our own, by layer and whether they are scaled.
  template <typename T>
  using Packed = std::map<std::pair<size_t, bool>, std::shared_ptr<const T>>;
  template <typename T, typename... Shape>
  std::shared_ptr<const T> pack(Packed<T>& packed, size_t layer, bool scaled, const Shape&... shape);
  Packed<narrow::Weights> tiles_, byteTiles_;
  Packed<avx512::DirectWeights> direct_;
  Packed<winograd::Weights> winograd_;
  int64_t bytes_ = 0;
};

}  // namespace otf::onednn
