// A network's weights as the kernels read them, converted and copied once, when a plan first needs them.
#pragma once

#include <map>
#include <memory>
#include <utility>

#include "engine/cuda/run/device.h"
#include "model/network.h"

namespace otf::cuda {

/// Of a convolution, or a dense layer as a convolution over its whole map.
struct ConvWeights {
  DeviceMemory filters, bias;
  DeviceMemory taps;  // of a layer that reads the network's own input
  int tapCount = 0;
  int rowChunks = 0;
};

struct NormWeights {
  DeviceMemory gamma, beta;
};

class WeightStore {
 public:
  WeightStore(std::shared_ptr<const Network> network, float inputBias, Element type, size_t sharedLimit)
      : network_(std::move(network)), inputBias_(inputBias), type_(type), sharedLimit_(sharedLimit) {}

  /// `scaled`: AVG_MODEL dropout is in the weights. `pitch`: of the flow that comes in.
  const ConvWeights& conv(size_t layer, bool scaled, int pitch, cudaStream_t stream);
  /// The same for a layer that reads the network's input, channels first, of this extent: as `input` strides.
  const ConvWeights& inputConv(size_t layer, bool scaled, Extent extent, cudaStream_t stream);
  /// `from`: what flows in; spatial or, after a dense layer, flat.
  const ConvWeights& dense(size_t layer, bool scaled, const LayerShape& from, int pitch, cudaStream_t stream);
  const NormWeights& norm(size_t layer, cudaStream_t stream);
  const DeviceMemory& priors(cudaStream_t stream);
  int64_t bytes() const { return bytes_; }

 private:
  struct Rows;
  struct Key {
    size_t layer;
    bool scaled;
    Extent extent;
    bool operator<(const Key& other) const;
  };
  ConvWeights upload(const Rows& rows, cudaStream_t stream);
  float biasOf(size_t layer, float own) const { return layer == 0 ? inputBias_ : own; }

  std::shared_ptr<const Network> network_;
  float inputBias_;
  Element type_;
  size_t sharedLimit_;
  std::map<Key, ConvWeights> products_;
  std::map<size_t, NormWeights> norms_;
  DeviceMemory priors_;
  int64_t bytes_ = 0;
};

}  // namespace otf::cuda
