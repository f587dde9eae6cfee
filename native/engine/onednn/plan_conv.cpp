// Convolutions: the layers almost all of the time goes into.
#include <string_view>

#include "engine/onednn/plan_builder.h"

namespace otf::onednn {
namespace {

using DataType = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;

bool isSlow(const char* kernel) {
  const std::string_view name(kernel);
  return name.find("ref") != std::string_view::npos || name.find("gemm") != std::string_view::npos;
}

}  // namespace

void PlanBuilder::addZeros(const Triple& zeros) {
  makeWalkable();
  const Extent from = flow_.shape.extent;
  const Extent to = spreadExtent(from, zeros);
  const Shape shape{to, flow_.shape.c};
  const Desc desc = flow_.memory.get_desc();
  const Layout layout = *layoutOf(desc);
  // The wider tensor in the same order: channels last stays channels last; blocked goes through plain.
  if (layout.block != 1 && layout.block != layout.channels) {
    addReorder(plain(flow_.shape, typeOf(desc)));
    return addZeros(zeros);
  }
  const bool last = layout.block == layout.channels && layout.channels > 1;
  const Tag tag = rank_ == 3 ? (last ? Tag::ndhwc : Tag::ncdhw) : (last ? Tag::nhwc : Tag::nchw);
  Flow next = produce(Desc(dims(shape), typeOf(desc), tag), shape, nextArena());
  const Layout wide = *layoutOf(next.memory.get_desc());
  step("", [source = flow_.memory, target = next.memory, layout, wide, from, to, zeros,
            type = elementType(typeOf(desc))](Pass& pass) {
    pass.stream.wait();
    insertZeros(source.get_data_handle(), layout, from, target.get_data_handle(), wide, to, zeros, type);
  });
  flow_ = next;
}

void PlanBuilder::addConvolution(const ConvLayer& layer, bool fuseRelu) {
  const Shape out = shapes_[layer_].shape;
  const bool last = layer_ + 1 == network_.layers.size();
  const DataType type = computeType();
  Dims weightDims{layer.filters, layer.channels()};
  for (const int64_t side : axes(layer.size)) weightDims.push_back(side);
  const Desc weights(weightDims, type, Tag::any);
  const Desc bias({layer.filters}, DataType::f32, Tag::x);
  const Desc target(dims(out), last ? DataType::f32 : type, Tag::any);
  dnnl::primitive_attr attr = attributes();
  if (fuseRelu) {
    dnnl::post_ops ops;
    appendRelu(ops, layer.activation.leak);
    attr.set_post_ops(ops);
  }
  const auto describe = [&](const Desc& source) {
    return makeConv(engine_, source, weights, bias, target, axes(layer.stride), axes(layer.padding), attr);
  };
  auto pd = describe(any(flow_.shape, type));
  Desc current = flow_.memory.get_desc();
  if (!sameMemory(current, pd.src_desc())) {
    // Take the layout that is there if a fast kernel reads it; otherwise bring it where oneDNN likes it.
    bool adapted = false;
    if (typeOf(current) == type && layoutOf(current)) {
      try {
        auto fixed = describe(current);
        if (!isSlow(fixed.impl_info_str()) || isSlow(pd.impl_info_str())) {
          pd = fixed;
          adapted = true;
        }
      } catch (const dnnl::error&) {
        // No kernel reads this layout: the reorder below is the answer.
      }
    }
    if (!adapted) addReorder(pd.src_desc());
  }
  const bool isInput = !flow_.arena;
  dnnl::memory source = alias(pd.src_desc(), flow_);
  const LayerWeights packed = weights_.conv(layer_, !spec_.monteCarlo, rank_, pd.weights_desc(), stream_);
  Flow next = produce(pd.dst_desc(), out, random(layer.dropout) && !randomSeen_ ? kKept : nextArena());
  std::unordered_map<int, dnnl::memory> args{{DNNL_ARG_SRC, source},
                                             {DNNL_ARG_WEIGHTS, packed.weights},
                                             {DNNL_ARG_BIAS, packed.bias},
                                             {DNNL_ARG_DST, next.memory},
                                             {DNNL_ARG_SCRATCHPAD, scratch(pd.scratchpad_desc())}};
  step(pd.impl_info_str(), [conv = dnnl::convolution_forward(pd), args, source, isInput](Pass& pass) mutable {
    if (isInput) source.set_data_handle(const_cast<float*>(pass.input));
    conv.execute(pass.stream, args);
  });
  flow_ = next;
}

void PlanBuilder::addSaturationCheck(const ConvLayer& layer, const Reach& reach) {
  makeWalkable();
  // Rounding of operands can carry a sum a little past the bound.
  const float slack = spec_.bf16 || spec_.int8 != nullptr ? 1.03F : 1.001F;
  inPlace([reach, slack, activation = layer.activation](Pass& pass, void* data, ElementType type,
                                                        const Layout& layout) {
    pass.bound = (pass.bound * reach.gain + reach.shift) * slack;
    if (pass.bound <= activation.saturation) return;
    pass.bound = largestMagnitude(data, type, layout);
    if (pass.bound <= activation.saturation) return;
    saturate(data, type, layout, activation.saturation, activation.leak);
    pass.bound = largestMagnitude(data, type, layout);
  });
}

void PlanBuilder::add(const ConvLayer& layer) {
  if (flow_.flat) reshapeFlat(layer.trainedInput);
  if (layer.intPadding != Triple{0, 0, 0}) addZeros(layer.intPadding);
  const Reach reach = weights_.reachOfConv(layer_, !spec_.monteCarlo);
  const bool fuse = splitsAtKnee(layer.activation) && !random(layer.dropout);
  addConvolution(layer, fuse);
  if (fuse) return addSaturationCheck(layer, reach);
  step("", [reach](Pass& pass) { pass.bound = pass.bound * reach.gain + reach.shift; });
  addDropout(layer.dropout, true);
  addActivation(layer.activation);
}

}  // namespace otf::onednn
