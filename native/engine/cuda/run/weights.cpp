#include "engine/cuda/run/weights.h"

#include <cstring>
#include <tuple>

#include "engine/cuda/numbers/numbers.h"

namespace otf::cuda {
namespace {

float keptShare(float dropout, bool scaled) { return scaled && dropout > 0.01F ? 1.0F - dropout : 1.0F; }

constexpr int kRowChunks = kRowBytes / 16;

void roundTo(Element type, const float* from, int64_t count, void* to) {
  for (int64_t i = 0; i < count; ++i) {
    switch (type) {
      case Element::kFloat:
        static_cast<float*>(to)[i] = from[i];
        break;
      case Element::kTf32:
        static_cast<float*>(to)[i] = tf32Value(from[i]);
        break;
      case Element::kHalf:
        static_cast<uint16_t*>(to)[i] = halfBits(from[i]);
        break;
      case Element::kBFloat:
        static_cast<uint16_t*>(to)[i] = bfloatBits(from[i]);
        break;
    }
  }
}

}  // namespace

bool WeightStore::Key::operator<(const Key& other) const {
  const auto tied = [](const Key& k) {
    return std::tie(k.layer, k.scaled, k.extent.w, k.extent.h, k.extent.d);
  };
  return tied(*this) < tied(other);
}

/// Filters as rows of `length` values in the order a kernel walks them, in whole chunks; zero where nothing is set.
struct WeightStore::Rows {
  int filters;
  int64_t length;
  std::vector<float> values, bias;
  std::vector<Tap> taps;

  Rows(int count, int64_t each)
      : filters(count),
        length(each),
        values(static_cast<size_t>(count * each)),
        bias(static_cast<size_t>(count)) {}
  float& at(int filter, int64_t i) { return values[static_cast<size_t>(filter * length + i)]; }
};

ConvWeights WeightStore::upload(const Rows& rows, cudaStream_t stream) {
  const int perChunk = 16 / elementBytes(type_);
  ConvWeights weights;
  weights.rowChunks = static_cast<int>((rows.length + perChunk - 1) / perChunk);
  const int64_t pitch = int64_t{(weights.rowChunks + kRowChunks - 1) / kRowChunks} * kRowBytes;
  const int tile = filterTile(rows.filters, sharedLimit_);
  const int padding = (rows.filters + tile - 1) / tile * tile;
  std::vector<unsigned char> filters(static_cast<size_t>(padding * pitch), 0);
  for (int f = 0; f < rows.filters; ++f)
    roundTo(type_, rows.values.data() + f * rows.length, rows.length, filters.data() + f * pitch);
  std::vector<float> bias(rows.bias);
  bias.resize(static_cast<size_t>(padding), 0.0F);
  weights.filters = uploaded(filters.data(), filters.size(), stream);
  weights.bias = uploaded(bias.data(), bias.size() * sizeof(float), stream);
  weights.taps = uploaded(rows.taps.data(), rows.taps.size() * sizeof(Tap), stream);
  weights.tapCount = static_cast<int>(rows.taps.size());
  bytes_ += static_cast<int64_t>(weights.filters.bytes() + weights.bias.bytes() + weights.taps.bytes());
  return weights;
}

const ConvWeights& WeightStore::conv(size_t index, bool scaled, int pitch, cudaStream_t stream) {
  const Key key{index, scaled, {0, 0, 0}};
  if (const auto found = products_.find(key); found != products_.end()) return found->second;
  const auto& layer = std::get<ConvLayer>(network_->layers[index]);
  const float share = keptShare(layer.dropout, scaled);
  const int64_t taps = int64_t{layer.size[0]} * layer.size[1] * layer.size[2];
  Rows rows(layer.filters, taps * pitch);
  for (int f = 0; f < layer.filters; ++f) {
    const float* from = layer.weights.data() + f * layer.weightsPerFilter();
    for (int c = 0; c < layer.channels(); ++c)
      for (int64_t tap = 0; tap < taps; ++tap) rows.at(f, tap * pitch + c) = from[c * taps + tap] * share;
    rows.bias[static_cast<size_t>(f)] = from[layer.channels() * taps] * biasOf(index, layer.bias) * share;
  }
  return products_.emplace(key, upload(rows, stream)).first->second;
}

const ConvWeights& WeightStore::inputConv(size_t index, bool scaled, Extent extent, cudaStream_t stream) {
  const Key key{index, scaled, extent};
  if (const auto found = products_.find(key); found != products_.end()) return found->second;
  const auto& layer = std::get<ConvLayer>(network_->layers[index]);
  const float share = keptShare(layer.dropout, scaled);
  const int64_t length = layer.weightsPerFilter() - 1;
  Rows rows(layer.filters, length);
  for (int f = 0; f < layer.filters; ++f) {
    const float* from = layer.weights.data() + f * (length + 1);
    for (int64_t i = 0; i < length; ++i) rows.at(f, i) = from[i] * share;
    rows.bias[static_cast<size_t>(f)] = from[length] * biasOf(index, layer.bias) * share;
  }
  for (int c = 0; c < layer.channels(); ++c)
    for (int d = 0; d < layer.size[2]; ++d)
      for (int h = 0; h < layer.size[1]; ++h)
        for (int w = 0; w < layer.size[0]; ++w)
          rows.taps.push_back({w, h, d, ((int64_t{c} * extent.d + d) * extent.h + h) * extent.w + w});
  return products_.emplace(key, upload(rows, stream)).first->second;
}

const ConvWeights& WeightStore::dense(size_t index, bool scaled, const LayerShape& from, int pitch,
                                      cudaStream_t stream) {
  const Key key{index, scaled, {0, 0, 0}};
  if (const auto found = products_.find(key); found != products_.end()) return found->second;
  const auto& layer = std::get<DenseLayer>(network_->layers[index]);
  const float share = keptShare(layer.dropout, scaled);
  const int columns = layer.neurons + 1;
  const int64_t map = from.shape.values() / from.shape.c;
  Rows rows(columns, map * pitch);
  for (int n = 0; n < columns; ++n) {
    // The bias node's column is not scaled. Source: CIANNA dropout_scale_dense.
    const float factor = n < layer.neurons ? share : 1.0F;
    for (int c = 0; c < from.shape.c; ++c)
      for (int64_t pixel = 0; pixel < map; ++pixel)
        rows.at(n, pixel * pitch + c) =
            layer.weights[static_cast<size_t>((c * map + pixel) * columns + n)] * factor;
    if (from.flat) continue;
    // One row more than the values: the weights of the constant bias input.
    rows.bias[static_cast<size_t>(n)] = layer.weights[static_cast<size_t>((layer.inputs - 1) * columns + n)] *
                                        biasOf(index, layer.bias) * factor;
  }
  return products_.emplace(key, upload(rows, stream)).first->second;
}

const NormWeights& WeightStore::norm(size_t index, cudaStream_t stream) {
  if (const auto found = norms_.find(index); found != norms_.end()) return found->second;
  const auto& layer = std::get<GroupNormLayer>(network_->layers[index]);
  NormWeights weights{uploaded(layer.gamma.data(), layer.gamma.size() * sizeof(float), stream),
                      uploaded(layer.beta.data(), layer.beta.size() * sizeof(float), stream)};
  bytes_ += static_cast<int64_t>(weights.gamma.bytes() + weights.beta.bytes());
  return norms_.emplace(index, std::move(weights)).first->second;
}

const DeviceMemory& WeightStore::priors(cudaStream_t stream) {
  if (priors_.data() == nullptr) {
    const auto& priors = network_->yolo()->priors;
    priors_ = uploaded(priors.data(), priors.size() * sizeof(priors[0]), stream);
  }
  return priors_;
}

}  // namespace otf::cuda
