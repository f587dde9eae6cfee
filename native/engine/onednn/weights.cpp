#include "engine/onednn/weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace otf::onednn {
namespace {

float keptShare(float dropout, bool scaled) { return scaled && dropout > 0.01F ? 1.0F - dropout : 1.0F; }

Dims plainStrides(const Dims& dims) {
  Dims strides(dims.size());
  int64_t stride = 1;
  for (size_t i = dims.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= dims[i];
  }
  return strides;
}

}  // namespace

strips::Geometry geometryOf(const ConvLayer& layer) {
  return {layer.channels(), layer.filters,   layer.size[0],    layer.size[1],
          layer.stride[0],  layer.stride[1], layer.padding[0], layer.padding[1]};
}

WeightStore::WeightStore(std::shared_ptr<const Network> network, float inputBias, dnnl::engine engine)
    : network_(std::move(network)), inputBias_(inputBias), engine_(std::move(engine)) {}

const LayerWeights* WeightStore::find(size_t layer, bool scaled, const Desc& layout) const {
  const auto entry = kept_.find(layer);
  if (entry == kept_.end()) return nullptr;
  for (const Kept& kept : entry->second) {
    if (kept.scaled == scaled && kept.layout == layout) return &kept.memory;
  }
  return nullptr;
}

LayerWeights WeightStore::keep(size_t layer, bool scaled, const Desc& layout, const Desc& plain,
                               float* weights, const std::vector<float>& bias, dnnl::stream& stream) {
  LayerWeights memory;
  memory.weights = dnnl::memory(layout, engine_);
  dnnl::memory source(plain, engine_, weights);
  dnnl::reorder(source, memory.weights).execute(stream, source, memory.weights);
  stream.wait();
  const Desc biasDesc({static_cast<int64_t>(bias.size())}, dnnl::memory::data_type::f32,
                      dnnl::memory::format_tag::x);
  memory.bias = dnnl::memory(biasDesc, engine_);
  std::memcpy(memory.bias.get_data_handle(), bias.data(), bias.size() * sizeof(float));
  bytes_ += static_cast<int64_t>(layout.get_size() + biasDesc.get_size());
  kept_[layer].push_back({scaled, layout, memory});
  return memory;
}

WeightStore::Plain WeightStore::plainConv(size_t index, bool scaled) const {
  const auto& layer = std::get<ConvLayer>(network_->layers[index]);
  const float share = keptShare(layer.dropout, scaled);
  const int64_t perFilter = layer.weightsPerFilter() - 1;
  Plain plain{std::vector<float>(static_cast<size_t>(perFilter * layer.filters)),
              std::vector<float>(static_cast<size_t>(layer.filters))};
  for (int64_t f = 0; f < layer.filters; ++f) {
    const float* from = layer.weights.data() + f * (perFilter + 1);
    std::transform(from, from + perFilter, plain.weights.begin() + f * perFilter,
                   [share](float w) { return w * share; });
    plain.bias[static_cast<size_t>(f)] = from[perFilter] * biasOf(index, layer.bias) * share;
  }
  return plain;
}

LayerWeights WeightStore::conv(size_t index, bool scaled, size_t rank, const Desc& layout,
                               dnnl::stream& stream) {
  if (const LayerWeights* known = find(index, scaled, layout); known != nullptr) return *known;
  const auto& layer = std::get<ConvLayer>(network_->layers[index]);
  Plain plain = plainConv(index, scaled);
  Dims dims{layer.filters, layer.channels()};
  for (size_t axis = rank; axis-- > 0;) dims.push_back(layer.size[axis]);
  return keep(index, scaled, layout, Desc(dims, dnnl::memory::data_type::f32, plainStrides(dims)),
              plain.weights.data(), plain.bias, stream);
}

template <typename T, typename... Shape>
std::shared_ptr<const T> WeightStore::pack(Packed<T>& packed, size_t index, bool scaled,
                                           const Shape&... shape) {
  std::shared_ptr<const T>& kept = packed[{index, scaled}];
  if (kept) return kept;
  const Plain plain = plainConv(index, scaled);
  kept = std::make_shared<const T>(shape..., plain.weights.data(), plain.bias.data());
  bytes_ += kept->bytes();
  return kept;
}

std::shared_ptr<const narrow::Weights> WeightStore::tiles(size_t index, bool scaled) {
  return pack(tiles_, index, scaled, geometryOf(std::get<ConvLayer>(network_->layers[index])));
}

std::shared_ptr<const narrow::Weights> WeightStore::byteTiles(
    size_t index, bool scaled, const std::shared_ptr<const narrow::Quantised>& source) {
  return pack(byteTiles_, index, scaled, geometryOf(std::get<ConvLayer>(network_->layers[index])), source);
}

std::shared_ptr<const avx512::DirectWeights> WeightStore::direct(size_t index, bool scaled) {
  return pack(direct_, index, scaled, geometryOf(std::get<ConvLayer>(network_->layers[index])));
}

std::shared_ptr<const winograd::Weights> WeightStore::winograd(size_t index, bool scaled,
                                                               strips::Values values) {
  const auto& layer = std::get<ConvLayer>(network_->layers[index]);
  return pack(winograd_, index, scaled, layer.channels(), layer.filters, values);
}

LayerWeights WeightStore::dense(size_t index, bool scaled, const Dims& dims, const Desc& layout,
                                dnnl::stream& stream) {
  if (const LayerWeights* known = find(index, scaled, layout); known != nullptr) return *known;
  const auto& layer = std::get<DenseLayer>(network_->layers[index]);
  const float share = keptShare(layer.dropout, scaled);
  const int64_t columns = layer.neurons + 1;
  int64_t rows = 1;
  for (size_t i = 1; i < dims.size(); ++i) rows *= dims[i];

  // The bias node's column is not scaled. Source: CIANNA dropout_scale_dense.
  std::vector<float> plain(layer.weights.begin(), layer.weights.begin() + rows * columns);
  std::vector<float> bias(static_cast<size_t>(columns), 0.0F);
  for (int64_t c = 0; c < columns; ++c) {
    const float factor = c + 1 < columns ? share : 1.0F;
    for (int64_t r = 0; r < rows; ++r) plain[static_cast<size_t>(r * columns + c)] *= factor;
    // After a spatial layer one row more than the values: the weights of the constant bias input.
    if (rows < layer.inputs) {
      bias[static_cast<size_t>(c)] =
          layer.weights[static_cast<size_t>(rows * columns + c)] * biasOf(index, layer.bias) * factor;
    }
  }
  // The file has a row per input, oneDNN wants outputs first: the same memory with other strides.
  Dims strides = plainStrides(dims);
  for (size_t i = 1; i < strides.size(); ++i) strides[i] *= columns;
  strides[0] = 1;
  return keep(index, scaled, layout, Desc(dims, dnnl::memory::data_type::f32, strides), plain.data(), bias,
              stream);
}

Reach WeightStore::reachOfConv(size_t index, bool scaled) const {
  const auto& layer = std::get<ConvLayer>(network_->layers[index]);
  const float share = keptShare(layer.dropout, scaled);
  const int64_t perFilter = layer.weightsPerFilter();
  Reach reach;
  for (int64_t f = 0; f < layer.filters; ++f) {
    const float* weights = layer.weights.data() + f * perFilter;
    double sum = 0;
    for (int64_t i = 0; i + 1 < perFilter; ++i) sum += std::fabs(weights[i]);
    reach.gain = std::max(reach.gain, static_cast<float>(sum) * share);
    reach.shift =
        std::max(reach.shift, std::fabs(weights[perFilter - 1] * biasOf(index, layer.bias) * share));
  }
  return reach;
}

}  // namespace otf::onednn
