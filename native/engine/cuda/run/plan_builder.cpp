#include "engine/cuda/run/plan_builder.h"

#include <algorithm>

#include "engine/dropout.h"

namespace otf::cuda {
namespace {

// In tests each tensor is memory of its own: then what is read or written beyond it is seen.
#ifdef OTF_CUDA_EMULATED
constexpr bool kOwnMemory = true;
#else
constexpr bool kOwnMemory = false;
#endif

constexpr int64_t kMostMap = (int64_t{1} << 31) - 1;

void checkIndices(const Shape& shape, size_t layer) {
  if (shape.values() / shape.c <= kMostMap) return;
  throw OtfError(Code::kShapeMismatch, "layer " + std::to_string(layer) +
                                           ": the engine cuda counts the pixels of a map with 32 bits, and " +
                                           std::to_string(shape.values() / shape.c) +
                                           " are more; use a smaller tile");
}

}  // namespace

PointActivation pointActivation(const Activation& a) {
  if (a.kind == ActivationKind::kRelu) return {PointActivation::kRelu, a.saturation, a.leak, 0};
  if (a.kind == ActivationKind::kLogistic) return {PointActivation::kLogistic, a.saturation, 0, a.beta};
  return {};
}

PlanBuilder::PlanBuilder(const Network& network, const PlanSpec& spec, const Places& places)
    : network_(network), spec_(spec), places_(places), shapes_(inferShapes(network, spec.extent)) {
  flow_.data = const_cast<float*>(places.input);
  flow_.shape = {spec.extent, network.trained.c};
  flow_.isFloat = flow_.isInput = true;
  checkIndices(flow_.shape, 1);
  for (size_t i = 0; i < shapes_.size(); ++i) checkIndices(shapes_[i].shape, i + 1);
}

Flow PlanBuilder::produce(const Shape& shape, bool isFloat, Arena arena) {
  Flow flow;
  flow.shape = shape;
  flow.isFloat = isFloat;
  flow.arena = arena;
  const size_t bytes = static_cast<size_t>(spec_.items) * static_cast<size_t>(shape.values() / shape.c) *
                       static_cast<size_t>(padded(shape.c)) *
                       static_cast<size_t>(isFloat ? 4 : elementBytes(spec_.type));
  plan_->needs_[arena] = std::max(plan_->needs_[arena], bytes);
  if (measuring()) return flow;
  if (kOwnMemory) {
    plan_->own_.emplace_back(bytes, "a test");
    flow.data = plan_->own_.back().data();
  } else {
    flow.data = (*places_.arenas)[arena].data();
  }
  return flow;
}

void PlanBuilder::step(std::string kernel, std::function<void(cudaStream_t, const Draw&)> run) {
  plan_->steps_.push_back({layer_, std::move(kernel), std::move(run)});
}

void PlanBuilder::ingest() {
  if (!flow_.isInput) return;
  Flow next = produce(flow_.shape, false, nextArena());
  const IngestArgs args{flow_.data,    next.data,    true,        flow_.shape.values(),
                        flow_.shape.c, next.pitch(), flow_.map(), spec_.items};
  step("ingest",
       [args, type = spec_.type](cudaStream_t stream, const Draw&) { launchIngest(type, args, stream); });
  flow_ = next;
}

/// Dense values back into a map, C, D, H, W; the bias node is left behind.
void PlanBuilder::fold(const Shape& shape) {
  Flow next = produce(shape, false, nextArena());
  const IngestArgs args{flow_.data, next.data,    false,      int64_t{flow_.pitch()},
                        shape.c,    next.pitch(), next.map(), spec_.items};
  step("fold",
       [args, type = spec_.type](cudaStream_t stream, const Draw&) { launchIngest(type, args, stream); });
  flow_ = next;
}

void PlanBuilder::spread(const Triple& zeros) {
  const Extent from = flow_.shape.extent;
  const Extent to = spreadExtent(from, zeros);
  checkIndices({to, flow_.shape.c}, layer_ + 1);
  Flow next = produce({to, flow_.shape.c}, false, nextArena());
  const SpreadArgs args{flow_.data,   next.data,  mapOf(from), mapOf(to), {zeros[0], zeros[1], zeros[2]},
                        next.pitch(), spec_.items};
  step("spread",
       [args, type = spec_.type](cudaStream_t stream, const Draw&) { launchSpread(type, args, stream); });
  flow_ = next;
}

void PlanBuilder::points(float dropout, const Activation& activation, bool activationLeft) {
  const bool drops = random(dropout);
  const PointActivation point = activationLeft ? pointActivation(activation) : PointActivation{};
  const bool softmaxFollows = activation.kind == ActivationKind::kSoftmax;
  if (drops && !randomSeen_) {
    randomSeen_ = true;
    plan_->firstRandom_ = plan_->steps_.size();
  }
  if (drops || point.kind != PointActivation::kNone) {
    Flow next = flow_;
    // What precedes the first mask stays, for the next repeat.
    if (flow_.arena == kKept) {
      next = produce(flow_.shape, flow_.isFloat, kFlowA);
      next.flat = flow_.flat;
    }
    PointArgs args{};
    args.input = flow_.data;
    args.output = next.data;
    args.floatData = flow_.isFloat;
    args.activation = point;
    args.biasNode = biasNode();
    args.drops = drops;
    args.threshold = DropoutMask::threshold(dropout);
    args.layer = static_cast<uint32_t>(layer_);
    args.channels = flow_.shape.c;
    args.pitch = flow_.pitch();
    args.map = flow_.map();
    args.items = spec_.items;
    step("points", [args, type = spec_.type](cudaStream_t stream, const Draw& draw) mutable {
      args.seed = draw.seed;
      args.repeat = draw.repeat;
      launchPoint(type, args, stream);
    });
    flow_ = next;
  }
  if (softmaxFollows) softmax();
}

void PlanBuilder::softmax() {
  const SoftmaxArgs args{flow_.data,    flow_.isFloat, flow_.shape.c, biasNode(),
                         flow_.pitch(), flow_.map(),   spec_.items};
  step("softmax",
       [args, type = spec_.type](cudaStream_t stream, const Draw&) { launchSoftmax(type, args, stream); });
}

void PlanBuilder::add(const PoolLayer& layer) {
  ingest();
  const Extent e = flow_.shape.extent;
  const Shape out = shapes_[layer_].shape;
  Flow next = produce(out, false, arenaBefore(layer.dropout));
  const bool inPool = !random(layer.dropout);
  PoolArgs args{};
  args.input = flow_.data;
  args.output = next.data;
  args.in = mapOf(e);
  args.out = mapOf(out.extent);
  const Triple whole{e.w, e.h, e.d};
  for (size_t k = 0; k < 3; ++k) {
    args.size[k] = layer.global ? whole[k] : layer.size[k];
    args.stride[k] = layer.global ? whole[k] : layer.stride[k];
    args.padding[k] = layer.global ? 0 : layer.padding[k];
  }
  args.largest = layer.kind == PoolKind::kMax;
  args.scale = scale(layer.dropout);
  if (inPool) args.activation = pointActivation(layer.activation);
  args.channels = out.c;
  args.pitch = next.pitch();
  args.items = spec_.items;
  step("pool",
       [args, type = spec_.type](cudaStream_t stream, const Draw&) { launchPool(type, args, stream); });
  flow_ = next;
  points(layer.dropout, layer.activation, !inPool);
}

void PlanBuilder::add(const GroupNormLayer& layer) {
  ingest();
  NormArgs args{};
  args.data = flow_.data;
  if (!measuring()) {
    const NormWeights& weights = places_.weights->norm(layer_, places_.stream);
    args.gamma = weights.gamma.floats();
    args.beta = weights.beta.floats();
  }
  args.groupSize = layer.groupSize;
  args.groups = (flow_.shape.c + layer.groupSize - 1) / layer.groupSize - layer.setOff;
  args.channels = flow_.shape.c;
  args.pitch = flow_.pitch();
  args.map = flow_.map();
  args.items = spec_.items;
  // No activation: see GroupNormLayer.
  step("norm",
       [args, type = spec_.type](cudaStream_t stream, const Draw&) { launchGroupNorm(type, args, stream); });
}

void PlanBuilder::add(const LrnLayer& layer) {
  ingest();
  Flow next = produce(flow_.shape, false, nextArena());
  const LrnArgs args{flow_.data,    next.data,     layer.range,
                     layer.k,       layer.alpha,   layer.beta,
                     flow_.shape.c, flow_.pitch(), int64_t{spec_.items} * flow_.map()};
  step("lrn", [args, type = spec_.type](cudaStream_t stream, const Draw&) { launchLrn(type, args, stream); });
  flow_ = next;
  points(0, layer.activation, true);
}

void PlanBuilder::addOutput() {
  layer_ = network_.layers.size() - 1;
  if (const YoloHead* head = network_.yolo(); head != nullptr) {
    YoloArgs args{};
    args.input = static_cast<const float*>(flow_.data);
    args.output = places_.output;
    if (!measuring()) args.priors = places_.weights->priors(places_.stream).floats();
    args.boxes = head->boxes;
    args.classes = head->classes;
    args.parameters = head->parameters;
    args.fitDim = head->fitDim;
    args.classSoftmax = head->classSoftmax;
    args.raw = spec_.rawOutput;
    for (size_t row = 0; row < kYoloRows; ++row) {
      args.slope[row] = head->rows[row].slope;
      args.max[row] = head->rows[row].max;
      args.min[row] = head->rows[row].min;
    }
    args.grid = mapOf(flow_.shape.extent);
    // Integer division, as CIANNA.
    args.cell[0] = spec_.extent.w / args.grid.w;
    args.cell[1] = spec_.extent.h / args.grid.h;
    args.cell[2] = spec_.extent.d / args.grid.d;
    args.pitch = flow_.pitch();
    args.items = spec_.items;
    return step("yolo", [args](cudaStream_t stream, const Draw&) { launchYolo(args, stream); });
  }
  const OutputArgs args{flow_.data,    places_.output, flow_.isFloat, flow_.shape.c,
                        flow_.pitch(), flow_.map(),    spec_.items};
  step("output",
       [args, type = spec_.type](cudaStream_t stream, const Draw&) { launchOutput(type, args, stream); });
}

std::unique_ptr<Plan> PlanBuilder::build() {
  for (layer_ = 0; layer_ < network_.layers.size(); ++layer_)
    std::visit([this](const auto& layer) { add(layer); }, network_.layers[layer_]);
  if (!randomSeen_) plan_->firstRandom_ = plan_->steps_.size();
  addOutput();
  return std::move(plan_);
}

void Plan::run(cudaStream_t stream, const Draw& draw, size_t first) const {
  for (size_t i = first; i < steps_.size(); ++i) steps_[i].run(stream, draw);
}

std::array<size_t, kArenas> planNeeds(const Network& network, const PlanSpec& spec) {
  return PlanBuilder(network, spec, {}).build()->needs();
}

std::unique_ptr<Plan> buildPlan(const Network& network, const PlanSpec& spec, WeightStore& weights,
                                const std::array<DeviceMemory, kArenas>& arenas, const float* input,
                                float* output, cudaStream_t stream) {
  return PlanBuilder(network, spec, {&weights, &arenas, input, output, stream}).build();
}

}  // namespace otf::cuda
