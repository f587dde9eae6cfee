// Turns layers into steps: products in plan_products.cpp, everything else in plan_builder.cpp, which alone
// include this.
#pragma once

#include <optional>

#include "engine/cuda/run/plan.h"

namespace otf::cuda {

/// What flows between layers while the plan is built.
struct Flow {
  void* data = nullptr;
  Shape shape;           // a dense layer's: {1,1,1} x (neurons + 1)
  bool flat = false;     // after a dense layer: the last value is the bias node
  bool isFloat = false;  // FP32 instead of the type of the flow
  bool isInput = false;  // the network's own input: FP32, channels first
  std::optional<Arena> arena;
  int pitch() const { return padded(shape.c); }
  int map() const { return shape.extent.w * shape.extent.h * shape.extent.d; }
};

/// Where tensors go; without memory only their sizes are counted.
struct Places {
  WeightStore* weights = nullptr;
  const std::array<DeviceMemory, kArenas>* arenas = nullptr;
  const float* input = nullptr;
  float* output = nullptr;
  cudaStream_t stream = nullptr;
};

class PlanBuilder {
 public:
  PlanBuilder(const Network& network, const PlanSpec& spec, const Places& places);
  std::unique_ptr<Plan> build();

 private:
  void add(const ConvLayer& layer);
  void add(const PoolLayer& layer);
  void add(const DenseLayer& layer);
  void add(const GroupNormLayer& layer);
  void add(const LrnLayer& layer);
  void addOutput();

  void ingest();
  void fold(const Shape& shape);
  void spread(const Triple& zeros);
  void product(ConvArgs args, const ConvWeights* weights, const Shape& out, float dropout,
               const Activation& activation, std::string kernel);
  /// MC_MODEL dropout, where it is drawn, then the activation, where `activation` says so.
  void points(float dropout, const Activation& activation, bool activationLeft);
  void softmax();

  bool measuring() const { return places_.weights == nullptr; }
  bool isLast() const { return layer_ + 1 == network_.layers.size(); }
  bool random(float rate) const { return spec_.monteCarlo && rate > 0.01F; }
  float scale(float rate) const { return !spec_.monteCarlo && rate > 0.01F ? 1.0F - rate : 1.0F; }
  Flow produce(const Shape& shape, bool isFloat, Arena arena);
  Arena nextArena() const { return flow_.arena == kFlowA ? kFlowB : kFlowA; }
  Arena arenaBefore(float dropout) const { return random(dropout) && !randomSeen_ ? kKept : nextArena(); }
  int biasNode() const { return flow_.flat ? flow_.shape.c - 1 : -1; }
  void step(std::string kernel, std::function<void(cudaStream_t, const Draw&)> run);

  const Network& network_;
  PlanSpec spec_;
  Places places_;
  std::vector<LayerShape> shapes_;
  size_t layer_ = 0;
  bool randomSeen_ = false;
  Flow flow_;
  std::unique_ptr<Plan> plan_ = std::make_unique<Plan>();
};

PointActivation pointActivation(const Activation& activation);
inline Map mapOf(const Extent& extent) { return {extent.w, extent.h, extent.d}; }

}  // namespace otf::cuda
