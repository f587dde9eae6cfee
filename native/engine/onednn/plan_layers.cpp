// The layers of a plan that are no convolutions, and what follows a layer's sums: dropout and activation.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/onednn/plan_builder.h"

namespace otf::onednn {
namespace {

using DataType = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;

}  // namespace

void PlanBuilder::addActivation(const Activation& activation) {
  if (activation.kind == ActivationKind::kLinear || activation.kind == ActivationKind::kYolo) return;
  makeWalkable();
  inPlace([activation](Pass& pass, void* data, ElementType type, const Layout& layout) {
    activate(data, type, layout, activation);
    pass.bound = activation.kind == ActivationKind::kRelu ? pass.bound : 1.0F;
  });
}

void PlanBuilder::addDropout(float rate, bool foldedIntoWeights) {
  if (rate <= 0.01F) return;
  if (!spec_.monteCarlo) {
    if (foldedIntoWeights) return;
    makeWalkable();
    inPlace([factor = 1.0F - rate](Pass&, void* data, ElementType type, const Layout& layout) {
      scale(data, type, layout, factor);
    });
    return;
  }
  if (!randomSeen_) {
    // Everything before is the same in every repeat: it stays where it is, and each repeat works on a copy.
    randomSeen_ = true;
    plan_->firstRandom_ = plan_->steps_.size();
    copyKept();
  }
  makeWalkable();
  const Desc desc = flow_.memory.get_desc();
  Layout layout = *layoutOf(desc);
  if (flow_.flat) layout.channels -= 1;  // the bias node always stays. Source: CIANNA dropout_select_dense.
  step("", [rate, layout, memory = flow_.memory, type = elementType(typeOf(desc)),
            layer = static_cast<uint32_t>(layer_)](Pass& pass) {
    pass.stream.wait();
    if (pass.draw != nullptr)
      dropout(memory.get_data_handle(), type, layout, pass.draw->seed, pass.draw->repeat, layer, rate);
  });
}

void PlanBuilder::copyKept() {
  const Desc desc = flow_.memory.get_desc();
  Flow copy = produce(desc, flow_.shape, kFlowA);
  copy.flat = flow_.flat;
  step("", [from = flow_.memory, to = copy.memory, bytes = desc.get_size()](Pass& pass) {
    pass.stream.wait();
    std::memcpy(to.get_data_handle(), from.get_data_handle(), bytes);
  });
  flow_ = copy;
}

void PlanBuilder::add(const PoolLayer& layer) {
  Triple size = layer.size;
  Triple stride = layer.stride;
  Triple padding = layer.padding;
  if (layer.global) {
    size = stride = {flow_.shape.extent.w, flow_.shape.extent.h, flow_.shape.extent.d};
    padding = {0, 0, 0};
  }
  if (!flow_.arena) addReorder(plain(flow_.shape, computeType()));
  const Shape out = shapes_[layer_].shape;
  const Desc source = flow_.memory.get_desc();
  const auto pd = makePool(engine_, layer.kind == PoolKind::kMax, source, any(out, typeOf(source)),
                           axes(stride), axes(size), axes(padding), attributes());
  Flow next = produce(pd.dst_desc(), out, random(layer.dropout) && !randomSeen_ ? kKept : nextArena());
  std::unordered_map<int, dnnl::memory> args{{DNNL_ARG_SRC, flow_.memory},
                                             {DNNL_ARG_DST, next.memory},
                                             {DNNL_ARG_SCRATCHPAD, scratch(pd.scratchpad_desc())}};
  step(pd.impl_info_str(),
       [pool = dnnl::pooling_forward(pd), args](Pass& pass) { pool.execute(pass.stream, args); });
  flow_ = next;
  addDropout(layer.dropout, false);
  addActivation(layer.activation);
}

void PlanBuilder::add(const DenseLayer& layer) {
  const DataType type = computeType();
  Dims sourceDims = flow_.flat ? Dims{spec_.batch, layer.inputs} : dims(flow_.shape);
  Dims weightDims = sourceDims;
  weightDims[0] = layer.neurons + 1;
  const Desc target({spec_.batch, layer.neurons + 1}, DataType::f32, Tag::nc);
  const Desc bias({layer.neurons + 1}, DataType::f32, Tag::x);
  const auto pd = makeInnerProduct(engine_, Desc(sourceDims, type, Tag::any),
                                   Desc(weightDims, type, Tag::any), bias, target, attributes());
  if (!(flow_.memory.get_desc() == pd.src_desc())) addReorder(pd.src_desc());
  const bool isInput = !flow_.arena;
  dnnl::memory source = flow_.memory;
  const LayerWeights packed =
      weights_.dense(layer_, !spec_.monteCarlo, weightDims, pd.weights_desc(), stream_);
  const bool drops = random(layer.dropout);
  Flow next = produce(target, {{1, 1, 1}, layer.neurons + 1}, drops && !randomSeen_ ? kKept : nextArena());
  next.flat = true;
  std::unordered_map<int, dnnl::memory> args{{DNNL_ARG_SRC, source},
                                             {DNNL_ARG_WEIGHTS, packed.weights},
                                             {DNNL_ARG_BIAS, packed.bias},
                                             {DNNL_ARG_DST, next.memory},
                                             {DNNL_ARG_SCRATCHPAD, scratch(pd.scratchpad_desc())}};
  step(pd.impl_info_str(),
       [dense = dnnl::inner_product_forward(pd), args, source, isInput](Pass& pass) mutable {
         if (isInput) source.set_data_handle(const_cast<float*>(pass.input));
         dense.execute(pass.stream, args);
       });
  flow_ = next;
  addDropout(layer.dropout, true);
  step("", [memory = flow_.memory, batch = spec_.batch, activation = layer.activation](Pass& pass) {
    pass.stream.wait();
    const int64_t count = memory.get_desc().get_size() / sizeof(float) / static_cast<size_t>(batch);
    activateDense(static_cast<float*>(memory.get_data_handle()), batch, count, activation);
    pass.bound = INFINITY;
  });
}

void PlanBuilder::add(const GroupNormLayer& layer) {
  makeWalkable();
  // No value of a normalised group lies further than sqrt(n) deviations from its mean.
  float gamma = 0;
  float beta = 0;
  for (const float g : layer.gamma) gamma = std::max(gamma, std::fabs(g));
  for (const float b : layer.beta) beta = std::max(beta, std::fabs(b));
  const int64_t perChannel = flow_.shape.values() / flow_.shape.c;
  const auto count = static_cast<float>(perChannel * layer.groupSize);
  inPlace([&layer, reach = gamma * std::sqrt(count) + beta, keeps = layer.setOff > 0](
              Pass& pass, void* data, ElementType type, const Layout& layout) {
    groupNorm(data, type, layout, layer);
    pass.bound = keeps ? std::max(pass.bound, reach) : reach;
  });
  // No activation: see GroupNormLayer.
}

void PlanBuilder::add(const LrnLayer& layer) {
  makeWalkable();
  inPlace([&layer](Pass& pass, void* data, ElementType type, const Layout& layout) {
    localResponseNorm(data, type, layout, layer);
    pass.bound = INFINITY;
  });
  addActivation(layer.activation);
}

}  // namespace otf::onednn
