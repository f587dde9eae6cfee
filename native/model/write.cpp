#include <cstring>
#include <type_traits>

#include "model/network.h"

namespace otf {
namespace {

class Writer {
 public:
  template <typename T>
    requires std::is_arithmetic_v<T>
  void put(T value) {
    putBytes(&value, sizeof value);
  }
  void put(const Triple& triple) {
    for (const int32_t value : triple) put<int32_t>(value);
  }
  void put(const std::vector<float>& values) { putBytes(values.data(), values.size() * sizeof(float)); }
  void putString(const std::string& text) {
    char field[40] = {};
    std::memcpy(field, text.data(), std::min(text.size(), sizeof field - 1));
    putBytes(field, sizeof field);
  }
  void put(const Shape& shape) {
    for (const int32_t value : {shape.extent.w, shape.extent.h, shape.extent.d, shape.c}) put<int32_t>(value);
  }

  void operator()(const ConvLayer& layer) {
    put('C');
    put<int32_t>(layer.filters);
    for (const Triple& triple : {layer.size, layer.stride, layer.padding, layer.intPadding}) put(triple);
    put(layer.trainedInput);
    put(layer.dropout);
    put(layer.bias);
    putString(activationString(layer.activation));
    if (layer.activation.kind == ActivationKind::kYolo) putYolo(layer.yolo);
    put(layer.weights);
  }
  void operator()(const PoolLayer& layer) {
    put('P');
    for (const Triple& triple : {layer.size, layer.stride, layer.padding}) put(triple);
    put<int32_t>(layer.global ? 1 : 0);
    put(layer.dropout);
    putString(layer.kind == PoolKind::kMax ? "MAX" : "AVG");
    putString(activationString(layer.activation));
  }
  void operator()(const DenseLayer& layer) {
    put('D');
    put<int32_t>(layer.neurons);
    put(layer.dropout);
    put(layer.bias);
    putString(activationString(layer.activation));
    put(layer.weights);
  }
  void operator()(const GroupNormLayer& layer) {
    put('N');
    putString("GN");
    put<int32_t>(layer.groupSize);
    put<int32_t>(layer.setOff);
    putString(activationString(layer.activation));
    put(layer.gamma);
    put(layer.beta);
  }
  void operator()(const LrnLayer& layer) {
    put('L');
    put<int32_t>(layer.range);
    for (const float value : {layer.k, layer.alpha, layer.beta}) put(value);
    putString(activationString(layer.activation));
  }

  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  void putBytes(const void* data, size_t size) {
    const size_t at = bytes_.size();
    bytes_.resize(at + size);
    std::memcpy(bytes_.data() + at, data, size);
  }
  void putYolo(const YoloHead& head) {
    for (const int32_t value :
         {head.boxes, head.classes, head.parameters, head.fitDim, head.classSoftmax ? 1 : 0})
      put<int32_t>(value);
    for (size_t axis = 0; axis < 3; ++axis) {
      for (const auto& prior : head.priors) put(prior[axis]);
    }
    for (const SlopeLimits& row : head.rows) {
      for (const float value : {row.slope, row.max, row.min}) put(value);
    }
  }
  std::vector<std::byte> bytes_;
};

}  // namespace

std::vector<std::byte> writeNetwork(const Network& network) {
  Writer writer;
  writer.put(network.trained);
  for (const Layer& layer : network.layers) std::visit([&](const auto& l) { writer(l); }, layer);
  return writer.take();
}

}  // namespace otf
