// Convolutions and dense layers: almost all of the time.
#include "engine/cuda/run/plan_builder.h"

namespace otf::cuda {
namespace {

// With more, whole chunks of channels are the better way.
constexpr int kFewChannels = 7;

constexpr uint32_t kMostPixels = (1U << 31) - 1;

void copyAxes(int (&to)[3], const Triple& from) {
  for (size_t k = 0; k < 3; ++k) to[k] = from[k];
}

}  // namespace

void PlanBuilder::product(ConvArgs args, const ConvWeights* weights, const Shape& out, float dropout,
                          const Activation& activation, std::string kernel) {
  const Flow in = flow_;
  const PointActivation point = pointActivation(activation);
  // Masks come before the activation, so it must wait for them.
  const bool inProduct = !random(dropout);
  const bool flat = args.biasNode >= 0;
  Flow next = produce(out, isLast(), arenaBefore(dropout));
  next.flat = flat;
  args.input = in.data;
  args.output = next.data;
  args.floatOutput = next.isFloat;
  args.out = flat ? Map{} : mapOf(out.extent);
  args.pixels = int64_t{spec_.items} * args.out.w * args.out.h * args.out.d;
  args.filters = out.c;
  args.outputPitch = next.pitch();
  if (inProduct) args.activation = point;
  if (args.pixels > kMostPixels)
    throw OtfError(Code::kShapeMismatch, "layer " + std::to_string(layer_ + 1) + " has " +
                                             std::to_string(args.pixels) +
                                             " values a channel, more than fit; use a smaller batch or tile");
  if (weights != nullptr) {
    args.weights = weights->filters.data();
    args.bias = weights->bias.floats();
    args.rowChunks = weights->rowChunks;
    if (weights->tapCount > 0) {
      args.taps = static_cast<const Tap*>(weights->taps.data());
      args.tapCount = weights->tapCount;
    }
  }
  step(std::move(kernel), [args, type = spec_.type, limit = spec_.sharedLimit](
                              cudaStream_t stream, const Draw&) { launchConv(type, args, limit, stream); });
  flow_ = next;
  points(dropout, activation, !inProduct);
}

void PlanBuilder::add(const ConvLayer& layer) {
  if (flow_.flat) fold(layer.trainedInput);
  const bool spreads = layer.intPadding != Triple{0, 0, 0};
  const bool fromInput = flow_.isInput && !spreads && flow_.shape.c <= kFewChannels;
  if (!fromInput) ingest();
  if (spreads) spread(layer.intPadding);
  ConvArgs args;
  args.in = mapOf(flow_.shape.extent);
  args.pitch = flow_.pitch();
  copyAxes(args.size, layer.size);
  copyAxes(args.stride, layer.stride);
  copyAxes(args.padding, layer.padding);
  const ConvWeights* weights = nullptr;
  if (fromInput) {
    const Extent e = flow_.shape.extent;
    args.itemStride = flow_.shape.values();
    args.inputStride[0] = 1;
    args.inputStride[1] = e.w;
    args.inputStride[2] = int64_t{e.w} * e.h;
    if (!measuring())
      weights = &places_.weights->inputConv(layer_, !spec_.monteCarlo, flow_.shape.extent, places_.stream);
  } else if (!measuring()) {
    weights = &places_.weights->conv(layer_, !spec_.monteCarlo, args.pitch, places_.stream);
  }
  product(args, weights, shapes_[layer_].shape, layer.dropout, layer.activation,
          fromInput ? "input conv" : "conv");
}

void PlanBuilder::add(const DenseLayer& layer) {
  ingest();
  ConvArgs args;
  // A window that is the whole map, at one place.
  args.in = mapOf(flow_.shape.extent);
  args.pitch = flow_.pitch();
  args.size[0] = args.in.w;
  args.size[1] = args.in.h;
  args.size[2] = args.in.d;
  args.biasNode = layer.neurons;
  const ConvWeights* weights = nullptr;
  if (!measuring())
    weights = &places_.weights->dense(layer_, !spec_.monteCarlo, {flow_.shape, flow_.flat}, args.pitch,
                                      places_.stream);
  product(args, weights, {{1, 1, 1}, layer.neurons + 1}, layer.dropout, layer.activation, "dense");
}

}  // namespace otf::cuda
