#include "engine/onednn/plan_builder.h"

#include <algorithm>
#include <cstring>

#include "error/error.h"

namespace otf::onednn {
namespace {

using DataType = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;

}  // namespace

Epilogue epilogueOf(const Activation& a) {
  if (!splitsAtKnee(a)) return {};
  return {a.leak, (1.0F - a.leak) * a.saturation};
}

PlanBuilder::PlanBuilder(const Network& network, const PlanSpec& spec, WeightStore& weights,
                         const dnnl::engine& engine, dnnl::stream& stream)
    : network_(network),
      spec_(spec),
      weights_(weights),
      engine_(engine),
      stream_(stream),
      shapes_(inferShapes(network, spec.extent)) {
  // Images are two-dimensional; a third axis anywhere makes all descriptors three-dimensional.
  bool deep = spec.extent.d > 1;
  for (const LayerShape& shape : shapes_) deep = deep || shape.shape.extent.d > 1;
  for (const Layer& layer : network.layers) {
    if (const auto* conv = std::get_if<ConvLayer>(&layer); conv != nullptr)
      deep = deep || conv->size[2] > 1 || conv->padding[2] > 0 || conv->trainedInput.extent.d > 1;
    if (const auto* pool = std::get_if<PoolLayer>(&layer); pool != nullptr)
      deep = deep || pool->size[2] > 1 || pool->padding[2] > 0;
  }
  rank_ = deep ? 3 : 2;
}

Dims PlanBuilder::dims(const Shape& shape) const {
  Dims d{spec_.batch, shape.c};
  if (rank_ == 3) d.push_back(shape.extent.d);
  d.push_back(shape.extent.h);
  d.push_back(shape.extent.w);
  return d;
}

Dims PlanBuilder::axes(const Triple& triple) const {
  return rank_ == 3 ? Dims{triple[2], triple[1], triple[0]} : Dims{triple[1], triple[0]};
}

Desc PlanBuilder::plain(const Shape& shape, DataType type) const {
  return {dims(shape), type, rank_ == 3 ? Tag::ncdhw : Tag::nchw};
}
Desc PlanBuilder::any(const Shape& shape, DataType type) const { return {dims(shape), type, Tag::any}; }
DataType PlanBuilder::computeType() const { return spec_.bf16 ? DataType::bf16 : DataType::f32; }
Arena PlanBuilder::nextArena() const { return flow_.arena == kFlowA ? kFlowB : kFlowA; }

Flow PlanBuilder::produce(const Desc& desc, const Shape& shape, Arena arena) {
  Flow flow{dnnl::memory(desc, engine_, DNNL_MEMORY_NONE), arena, shape, false};
  plan_->tensors_.emplace_back(flow.memory, arena);
  plan_->needs_[arena] = std::max(plan_->needs_[arena], desc.get_size());
  return flow;
}

dnnl::memory PlanBuilder::alias(const Desc& desc, const Flow& flow) {
  if (!flow.arena) {
    // The input's address is known at run time only: the step that reads it sets the handle.
    return dnnl::memory(desc, engine_, DNNL_MEMORY_NONE);
  }
  return produce(desc, flow.shape, *flow.arena).memory;
}

dnnl::primitive_attr PlanBuilder::attributes() const {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

dnnl::memory PlanBuilder::scratch(const Desc& desc) { return produce(desc, {}, kScratch).memory; }

void PlanBuilder::step(std::string kernel, std::function<void(Pass&)> run) {
  plan_->steps_.push_back({layer_, std::move(kernel), std::move(run)});
}

void PlanBuilder::inPlace(std::function<void(Pass&, void*, ElementType, const Layout&)> work) {
  const Desc desc = flow_.memory.get_desc();
  const Layout layout = *layoutOf(desc);
  step("",
       [memory = flow_.memory, type = elementType(typeOf(desc)), layout, work = std::move(work)](Pass& pass) {
         pass.stream.wait();
         work(pass, memory.get_data_handle(), type, layout);
       });
}

void PlanBuilder::makeWalkable() {
  if (!flow_.arena || !layoutOf(flow_.memory.get_desc()))
    addReorder(plain(flow_.shape, typeOf(flow_.memory.get_desc())));
}

void PlanBuilder::addReorder(const Desc& to) {
  const bool isInput = !flow_.arena;
  Flow next = produce(to, flow_.shape, nextArena());
  dnnl::memory from = flow_.memory;
  const auto pd = dnnl::reorder::primitive_desc(engine_, from.get_desc(), engine_, to, attributes());
  step("reorder", [reorder = dnnl::reorder(pd), from, isInput, target = next.memory,
                   pad = scratch(pd.scratchpad_desc())](Pass& pass) mutable {
    if (isInput) from.set_data_handle(const_cast<float*>(pass.input));
    reorder.execute(pass.stream, {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, target}, {DNNL_ARG_SCRATCHPAD, pad}});
  });
  flow_ = next;
}

void PlanBuilder::addRangeNote() {
  if (spec_.ranges == nullptr || flow_.flat) return;
  makeWalkable();
  inPlace([notes = spec_.ranges, layer = layer_](Pass&, void* data, ElementType, const Layout& layout) {
    notes->note(layer, channelRanges(static_cast<const float*>(data), layout));
  });
}

void PlanBuilder::addInput() {
  const Shape shape{spec_.extent, network_.trained.c};
  flow_ = {dnnl::memory(plain(shape, DataType::f32), engine_, DNNL_MEMORY_NONE), std::nullopt, shape, false};
  Layout layout;
  layout.batch = spec_.batch;
  layout.channels = shape.c;
  layout.map = shape.values() / shape.c;
  step("", [layout](Pass& pass) { pass.bound = largestMagnitude(pass.input, ElementType::kFloat, layout); });
}

void PlanBuilder::reshapeFlat(const Shape& shape) {
  // Rows of a dense output are one longer than its neurons: strides step over the bias node.
  Dims strides{flow_.shape.c, shape.values() / shape.c};
  if (rank_ == 3) strides.push_back(int64_t{shape.extent.w} * shape.extent.h);
  strides.push_back(shape.extent.w);
  strides.push_back(1);
  const Desc strided(dims(shape), DataType::f32, strides);
  flow_.memory = alias(strided, flow_);
  flow_.shape = shape;
  flow_.flat = false;
}

void PlanBuilder::addOutput() {
  layer_ = network_.layers.size() - 1;
  if (flow_.flat) {
    step("", [memory = flow_.memory](Pass& pass) {
      pass.stream.wait();
      std::memcpy(pass.output, memory.get_data_handle(), memory.get_desc().get_size());
    });
    return;
  }
  makeWalkable();
  OutputForm form{network_.yolo(), {spec_.extent, flow_.shape.extent}, spec_.rawOutput};
  inPlace([form](Pass& pass, void* data, ElementType type, const Layout& layout) {
    writeOutput(data, type, layout, form, pass.output);
  });
}

std::unique_ptr<Plan> PlanBuilder::build() {
  addInput();
  for (layer_ = 0; layer_ < network_.layers.size(); ++layer_) {
    const bool isInput = !flow_.arena;
    plan_->entries_.push_back({isInput ? 0 : plan_->steps_.size(), isInput ? dnnl::memory() : flow_.memory});
    if (const size_t count = stripLayers(); count > 0) {
      addStrips(count);
    } else if (takesWinograd(layer_)) {
      addWinograd(std::get<ConvLayer>(network_.layers[layer_]));
    } else {
      std::visit([this](const auto& layer) { add(layer); }, network_.layers[layer_]);
    }
    addRangeNote();
  }
  if (!randomSeen_) plan_->firstRandom_ = plan_->steps_.size();
  addOutput();
  return std::move(plan_);
}

std::unique_ptr<Plan> buildPlan(const Network& network, const PlanSpec& spec, WeightStore& weights,
                                const dnnl::engine& engine, dnnl::stream& stream) {
  return PlanBuilder(network, spec, weights, engine, stream).build();
}

}  // namespace otf::onednn
