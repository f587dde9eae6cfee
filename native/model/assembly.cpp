#include "model/assembly.h"

#include <cmath>
#include <utility>

#include "error/error.h"

namespace otf {
namespace {

// Generous against any real network, small enough that no product of a few of them overflows 64 bits.
constexpr int kMaxCount = 1 << 20;
constexpr int kMaxWindow = 1 << 14;
constexpr int64_t kMaxWeights = int64_t{1} << 40;

const char* kindOf(char tag) {
  switch (tag) {
    case 'C':
      return "conv";
    case 'P':
      return "pool";
    case 'D':
      return "dense";
    case 'N':
      return "group norm";
    case 'L':
      return "lrn";
    default:
      return "header";
  }
}

bool inRange(int value, int low, int high) { return value >= low && value <= high; }

}  // namespace

Assembly::Assembly(Shape trained, bool binary, size_t headerOffset) {
  const auto [extent, channels] = trained;
  const auto isSide = [](int value) { return inRange(value, 1, kMaxCount); };
  if (!isSide(extent.w) || !isSide(extent.h) || !isSide(extent.d) || !isSide(channels) ||
      !isTensorSize(trained)) {
    fail(headerOffset, "input size " + std::to_string(extent.w) + "x" + std::to_string(extent.h) + "x" +
                           std::to_string(extent.d) + "x" + std::to_string(channels) +
                           " is not a size (each 1.." + std::to_string(kMaxCount) +
                           ", and not too many values in all)");
  }
  network_.trained = trained;
  network_.binary = binary;
  flow_.shape = trained;
}

void Assembly::fail(size_t offset, const std::string& what) const {
  std::string where = "header";
  if (tag_ != ' ') {
    where = "layer " + std::to_string(network_.layers.size() + 1) + " (" + kindOf(tag_) + ")";
  }
  throw OtfError(Code::kModelMalformed, where + ", byte " + std::to_string(offset) + ": " + what);
}

void Assembly::beginLayer(char tag, size_t offset) {
  tag_ = tag;
  if (std::string_view("CPDNL").find(tag) == std::string_view::npos) {
    const auto code = static_cast<unsigned>(static_cast<unsigned char>(tag));
    tag_ = '?';
    throw OtfError(Code::kModelMalformed, "layer " + std::to_string(network_.layers.size() + 1) + ", byte " +
                                              std::to_string(offset) + ": unknown layer tag " +
                                              std::to_string(code) + " (expected C, P, D, N or L)");
  }
  if (const YoloHead* head = network_.yolo(); head != nullptr) {
    fail(offset, "a layer follows the YOLO layer, which must be the last");
  }
}

void Assembly::requireSpatial(size_t offset) const {
  if (flow_.flat) fail(offset, "cannot follow a dense layer");
}

void Assembly::checkWindow(size_t offset, const Triple& size, const Triple& stride,
                           const Triple& padding) const {
  for (size_t axis = 0; axis < 3; ++axis) {
    if (!inRange(size[axis], 1, kMaxWindow))
      fail(offset, "window size " + std::to_string(size[axis]) + " is not 1.." + std::to_string(kMaxWindow));
    if (!inRange(stride[axis], 1, kMaxWindow))
      fail(offset, "stride " + std::to_string(stride[axis]) + " is not 1.." + std::to_string(kMaxWindow));
    if (!inRange(padding[axis], 0, kMaxWindow))
      fail(offset, "padding " + std::to_string(padding[axis]) + " is not 0.." + std::to_string(kMaxWindow));
  }
}

void Assembly::checkActivation(size_t offset, const Activation& activation) const {
  for (const float value : {activation.saturation, activation.leak, activation.beta}) {
    if (!std::isfinite(value)) fail(offset, "the activation has a parameter that is not a finite number");
  }
}

void Assembly::checkDropout(size_t offset, float rate, float bias) const {
  if (!(rate >= 0.0F && rate < 1.0F))
    fail(offset, "dropout rate " + std::to_string(rate) + " is not in [0,1)");
  if (!std::isfinite(bias)) fail(offset, "bias value is not a finite number");
}

void Assembly::checkYolo(size_t offset, const ConvLayer& layer) const {
  const YoloHead& head = layer.yolo;
  if (!inRange(head.boxes, 1, 4096) || !inRange(head.classes, 0, 4096) ||
      !inRange(head.parameters, 0, 4096)) {
    fail(offset, "YOLO head with " + std::to_string(head.boxes) + " boxes, " + std::to_string(head.classes) +
                     " classes, " + std::to_string(head.parameters) + " parameters is out of range");
  }
  if (!inRange(head.fitDim, 0, 3))
    fail(offset, "YOLO fit_dim " + std::to_string(head.fitDim) + " is not 0..3");
  if (head.planes() != layer.filters) {
    fail(offset, "YOLO head needs " + std::to_string(head.planes()) +
                     " filters (boxes x (8 + classes + parameters)), the layer has " +
                     std::to_string(layer.filters));
  }
  for (const auto& prior : head.priors) {
    for (const float side : prior) {
      if (!std::isfinite(side)) fail(offset, "a YOLO prior is not a finite number");
    }
  }
  for (const SlopeLimits& row : head.rows) {
    if (!std::isfinite(row.slope) || !std::isfinite(row.max) || !std::isfinite(row.min)) {
      fail(offset, "a YOLO slope or limit is not a finite number");
    }
  }
}

int64_t Assembly::countOf(int64_t each, int64_t times, size_t offset) const {
  if (each > kMaxWeights / times) {
    fail(offset,
         std::to_string(times) + " times " + std::to_string(each) + " weights is more than any file holds");
  }
  return each * times;
}

int64_t Assembly::admit(const ConvLayer& layer, size_t offset) {
  if (!inRange(layer.filters, 1, kMaxCount))
    fail(offset, std::to_string(layer.filters) + " filters is not 1.." + std::to_string(kMaxCount));
  checkWindow(offset, layer.size, layer.stride, layer.padding);
  for (const int zeros : layer.intPadding) {
    if (!inRange(zeros, 0, kMaxWindow))
      fail(offset, "internal padding " + std::to_string(zeros) + " is not 0.." + std::to_string(kMaxWindow));
  }
  checkDropout(offset, layer.dropout, layer.bias);
  checkActivation(offset, layer.activation);
  const auto [extent, channels] = layer.trainedInput;
  for (const int value : {extent.w, extent.h, extent.d, channels}) {
    if (!inRange(value, 1, kMaxCount))
      fail(offset, "input size " + std::to_string(value) + " is not 1.." + std::to_string(kMaxCount));
  }
  if (flow_.flat) {
    if (!isTensorSize(layer.trainedInput)) fail(offset, "its input shape holds too many values");
    // Source: CIANNA reroll_batch: a dense output without its bias node, folded C, D, H, W.
    if (layer.trainedInput.values() + 1 != flow_.shape.c) {
      fail(offset, "its input shape holds " + std::to_string(layer.trainedInput.values()) +
                       " values, the dense layer before gives " + std::to_string(flow_.shape.c - 1));
    }
  } else if (channels != flow_.shape.c) {
    fail(offset, "it expects " + std::to_string(channels) + " input channels, the layer before gives " +
                     std::to_string(flow_.shape.c));
  }
  if (layer.activation.kind == ActivationKind::kYolo) checkYolo(offset, layer);
  return countOf(layer.weightsPerFilter(), layer.filters, offset);
}

int64_t Assembly::admit(DenseLayer& layer, size_t offset) {
  if (!inRange(layer.neurons, 1, kMaxCount))
    fail(offset, std::to_string(layer.neurons) + " neurons is not 1.." + std::to_string(kMaxCount));
  checkDropout(offset, layer.dropout, layer.bias);
  checkActivation(offset, layer.activation);
  if (layer.activation.kind == ActivationKind::kYolo)
    fail(offset, "a dense layer cannot have a YOLO activation");
  // Source: dense_create: after a dense layer the bias node is already among its values.
  layer.inputs = flow_.flat ? flow_.shape.c : flow_.shape.values() + 1;
  return countOf(layer.inputs, int64_t{layer.neurons} + 1, offset);
}

int64_t Assembly::admit(const GroupNormLayer& layer, size_t offset) {
  requireSpatial(offset);
  if (network_.layers.empty()) fail(offset, "a normalisation cannot be the first layer");
  if (!inRange(layer.groupSize, 1, kMaxCount))
    fail(offset, "group size " + std::to_string(layer.groupSize) + " is not 1.." + std::to_string(kMaxCount));
  checkActivation(offset, layer.activation);
  if (layer.activation.kind == ActivationKind::kYolo)
    fail(offset, "a normalisation cannot have a YOLO activation");
  const int groups = (flow_.shape.c + layer.groupSize - 1) / layer.groupSize;
  if (!inRange(layer.setOff, 0, groups))
    fail(offset, "set_off " + std::to_string(layer.setOff) + " is not 0.." + std::to_string(groups));
  return 2 * int64_t{groups};
}

void Assembly::admit(const PoolLayer& layer, size_t offset) {
  requireSpatial(offset);
  checkWindow(offset, layer.size, layer.stride, layer.padding);
  checkDropout(offset, layer.dropout, 0.0F);
  checkActivation(offset, layer.activation);
  if (layer.activation.kind == ActivationKind::kYolo) fail(offset, "a pool cannot have a YOLO activation");
  for (size_t axis = 0; axis < 3 && !layer.global; ++axis) {
    // A window that holds padding alone has no maximum and no mean.
    if (layer.padding[axis] >= layer.size[axis])
      fail(offset, "padding " + std::to_string(layer.padding[axis]) + " is not smaller than the window, " +
                       std::to_string(layer.size[axis]));
  }
}

void Assembly::admit(const LrnLayer& layer, size_t offset) {
  requireSpatial(offset);
  if (network_.layers.empty()) fail(offset, "a normalisation cannot be the first layer");
  if (!inRange(layer.range, 1, kMaxCount))
    fail(offset, "range " + std::to_string(layer.range) + " is not 1.." + std::to_string(kMaxCount));
  if (!std::isfinite(layer.k) || !std::isfinite(layer.alpha) || !std::isfinite(layer.beta))
    fail(offset, "k, alpha or beta is not a finite number");
  checkActivation(offset, layer.activation);
  if (layer.activation.kind == ActivationKind::kYolo)
    fail(offset, "a normalisation cannot have a YOLO activation");
}

void Assembly::append(Layer layer) {
  try {
    flow_ = layerOutput(layer, flow_, network_.layers.size() + 1);
  } catch (const OtfError& error) {
    throw OtfError(Code::kModelMalformed, std::string(error.what()) + " (at the size it was trained with)");
  }
  if (const auto* norm = std::get_if<GroupNormLayer>(&layer);
      norm != nullptr && norm->activation.kind != ActivationKind::kLinear) {
    network_.warnings.push_back(
        "layer " + std::to_string(network_.layers.size() + 1) + ": the activation " +
        activationString(norm->activation) +
        " of a group norm is not applied, as on CIANNA's CPU paths (its CUDA path applies it)");
  }
  network_.layers.push_back(std::move(layer));
}

Network Assembly::finish(size_t offset) {
  if (network_.layers.empty()) {
    tag_ = ' ';
    fail(offset, "the file holds no layer");
  }
  return std::move(network_);
}

}  // namespace otf
