#include <algorithm>
#include <array>
#include <numeric>

#include "error/error.h"
#include "model/assembly.h"

namespace otf {
namespace {

// Beyond these no tensor fits in memory anyway; they keep every product inside 64 bits.
constexpr int64_t kMaxSide = int64_t{1} << 24;
constexpr int64_t kMaxValues = int64_t{1} << 40;

std::string describe(const Shape& shape) {
  return std::to_string(shape.extent.w) + "x" + std::to_string(shape.extent.h) + "x" +
         std::to_string(shape.extent.d) + "x" + std::to_string(shape.c);
}

[[noreturn]] void reject(size_t index, const std::string& what) {
  throw OtfError(Code::kShapeMismatch, "layer " + std::to_string(index) + ": " + what);
}

int slide(int64_t size, int window, int stride, int padding, size_t index, const Shape& input) {
  const int64_t reach = size + 2 * int64_t{padding} - window;
  if (reach < 0) {
    reject(index, "its window of " + std::to_string(window) + " does not fit in an input of " +
                      describe(input) + "; give a larger image or tile");
  }
  const int64_t out = reach / stride + 1;
  if (out > kMaxSide) reject(index, "its output is too large for an input of " + describe(input));
  return static_cast<int>(out);
}

Shape checked(const Shape& shape, size_t index) {
  if (!isTensorSize(shape)) reject(index, "its output of " + describe(shape) + " is too large");
  return shape;
}

/// What a convolution sees of its input: engines hold it, or count in it.
Shape spread(const Shape& input, const Triple& zeros, size_t index) {
  const std::array<int64_t, 3> sides = {input.extent.w, input.extent.h, input.extent.d};
  bool fits = true;
  for (size_t k = 0; k < sides.size(); ++k) fits = fits && sides[k] + (sides[k] - 1) * zeros[k] <= kMaxSide;
  if (fits) {
    const Shape wide{spreadExtent(input.extent, zeros), input.c};
    if (isTensorSize(wide)) return wide;
  }
  reject(index, "its internal padding makes an input of " + describe(input) + " too large");
}

struct OutputOf {
  const LayerShape& input;
  size_t index;

  LayerShape operator()(const ConvLayer& layer) const {
    Shape in = input.shape;
    if (input.flat) in = layer.trainedInput;
    if (in.c != layer.channels()) {
      reject(index, "it expects " + std::to_string(layer.channels()) + " input channels, got " +
                        std::to_string(in.c));
    }
    const Shape wide = spread(in, layer.intPadding, index);
    const auto axis = [&](int size, size_t k) {
      return slide(size, layer.size[k], layer.stride[k], layer.padding[k], index, in);
    };
    return {checked({{axis(wide.extent.w, 0), axis(wide.extent.h, 1), axis(wide.extent.d, 2)}, layer.filters},
                    index),
            false};
  }

  LayerShape operator()(const PoolLayer& layer) const {
    const Shape& in = input.shape;
    if (layer.global) return {{{1, 1, 1}, in.c}, false};
    const auto axis = [&](int size, size_t k) {
      return slide(size, layer.size[k], layer.stride[k], layer.padding[k], index, in);
    };
    return {checked({{axis(in.extent.w, 0), axis(in.extent.h, 1), axis(in.extent.d, 2)}, in.c}, index),
            false};
  }

  LayerShape operator()(const DenseLayer& layer) const {
    const int64_t values = input.flat ? input.shape.c : input.shape.values() + 1;
    if (values != layer.inputs) {
      reject(index, "the dense layer has weights for " + std::to_string(layer.inputs - 1) +
                        " inputs, this input size gives " + std::to_string(values - 1));
    }
    return {{{1, 1, 1}, layer.neurons + 1}, true};
  }

  LayerShape operator()(const GroupNormLayer&) const { return input; }
  LayerShape operator()(const LrnLayer&) const { return input; }
};

}  // namespace

bool isTensorSize(const Shape& shape) {
  return int64_t{shape.extent.w} * shape.extent.h <= kMaxValues / shape.extent.d &&
         int64_t{shape.extent.w} * shape.extent.h * shape.extent.d <= kMaxValues / shape.c;
}

Extent spreadExtent(const Extent& extent, const Triple& zeros) {
  const auto side = [](int size, int between) { return size + (size - 1) * between; };
  return {side(extent.w, zeros[0]), side(extent.h, zeros[1]), side(extent.d, zeros[2])};
}

LayerShape layerOutput(const Layer& layer, const LayerShape& input, size_t index) {
  return std::visit(OutputOf{input, index}, layer);
}

std::vector<LayerShape> inferShapes(const Network& network, Extent extent) {
  for (const int side : {extent.w, extent.h, extent.d}) {
    if (side < 1 || side > kMaxSide)
      throw OtfError(Code::kShapeMismatch, "input side " + std::to_string(side) + " is not a size");
  }
  LayerShape flow{checked({extent, network.trained.c}, 0), false};
  std::vector<LayerShape> shapes;
  shapes.reserve(network.layers.size());
  for (const Layer& layer : network.layers) {
    flow = layerOutput(layer, flow, shapes.size() + 1);
    shapes.push_back(flow);
  }
  return shapes;
}

std::vector<double> layerFlops(const Network& network, Extent extent) {
  const std::vector<LayerShape> shapes = inferShapes(network, extent);
  std::vector<double> flops;
  for (size_t i = 0; i < shapes.size(); ++i) {
    double value = 0;
    if (const auto* conv = std::get_if<ConvLayer>(&network.layers[i]); conv != nullptr) {
      value = 2.0 * static_cast<double>(shapes[i].shape.values()) *
              static_cast<double>(conv->weightsPerFilter() - 1);
    } else if (const auto* dense = std::get_if<DenseLayer>(&network.layers[i]); dense != nullptr) {
      value = 2.0 * static_cast<double>(dense->inputs) * (dense->neurons + 1.0);
    }
    flops.push_back(value);
  }
  return flops;
}

bool Network::fullyConvolutional() const {
  return std::none_of(layers.begin(), layers.end(),
                      [](const Layer& layer) { return std::holds_alternative<DenseLayer>(layer); });
}

const YoloHead* Network::yolo() const {
  if (layers.empty()) return nullptr;
  const auto* conv = std::get_if<ConvLayer>(&layers.back());
  return conv != nullptr && conv->activation.kind == ActivationKind::kYolo ? &conv->yolo : nullptr;
}

int64_t Network::parameterCount() const {
  int64_t count = 0;
  for (const Layer& layer : layers) {
    if (const auto* conv = std::get_if<ConvLayer>(&layer); conv != nullptr)
      count += std::ssize(conv->weights);
    if (const auto* dense = std::get_if<DenseLayer>(&layer); dense != nullptr)
      count += std::ssize(dense->weights);
    if (const auto* norm = std::get_if<GroupNormLayer>(&layer); norm != nullptr)
      count += std::ssize(norm->gamma) + std::ssize(norm->beta);
  }
  return count;
}

double networkFlops(const Network& network, Extent extent) {
  const std::vector<double> layers = layerFlops(network, extent);
  return std::accumulate(layers.begin(), layers.end(), 0.0);
}

}  // namespace otf
