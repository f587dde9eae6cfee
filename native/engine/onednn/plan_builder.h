// Turns layers into steps: convolutions in plan_conv.cpp (in strips plan_strips.cpp, of 3x3 plan_winograd.cpp), other layers in plan_layers.cpp, what they share, input and
// output in plan_builder.cpp; these alone include this.
#pragma once

#include <optional>

#include "engine/cpu/unit.h"
#include "engine/onednn/kernels.h"
#include "engine/onednn/layout_query.h"
#include "engine/onednn/plan.h"

namespace otf::onednn {

/// What flows between layers while the plan is built.
struct Flow {
  dnnl::memory memory;
  std::optional<Arena> arena;  // nullopt: the caller's input
  Shape shape;                 // logical
  bool flat = false;           // [batch][values] float, bias node included
};

/// What our own convolutions do with their sums, for activations that they know: RELU, and those that change nothing here.
Epilogue epilogueOf(const Activation& activation);

class PlanBuilder {
 public:
  PlanBuilder(const Network& network, const PlanSpec& spec, WeightStore& weights, const dnnl::engine& engine,
              dnnl::stream& stream);
  std::unique_ptr<Plan> build();

 private:
  void addInput();
  void add(const ConvLayer& layer);
  void add(const PoolLayer& layer);
  void add(const DenseLayer& layer);
  void add(const GroupNormLayer& layer);
  void add(const LrnLayer& layer);
  void addOutput();

  /// A convolution that may be done by our own kernels.
  const ConvLayer* ownConvolution(size_t layer) const;
  Shape inputOf(size_t layer) const;
  /// How many layers from this one on are done in strips, in one step; 0: this one is not.
  size_t stripLayers() const;
  bool takesStrips(size_t layer) const;
  /// A convolution in strips that is done in 8 bits.
  bool takesBytes(size_t layer) const;
  /// Whether strips multiply bfloat16 or bytes, and which.
  bool isNarrow(size_t layer) const { return spec_.bf16 || takesBytes(layer); }
  narrow::Element elementOf(size_t layer) const {
    return takesBytes(layer) ? narrow::Element::kInt8 : narrow::Element::kBf16;
  }
  int64_t stripWeights(size_t layer) const;  // bytes
  /// Whether a layer in strips may follow the one before, which is in strips as well, in a chain.
  bool follows(size_t layer) const;
  std::shared_ptr<const strips::Layer> stripLayer(size_t layer, bool bytesOut);
  void addStrips(size_t count);
  bool takesWinograd(size_t layer) const;
  // What is multiplied there, and by what.
  strips::Values values() const;
  Unit unit() const;
  void addWinograd(const ConvLayer& layer);

  // Pieces of layers.
  void addConvolution(const ConvLayer& layer, bool fuseRelu);
  void addSaturationCheck(const ConvLayer& layer, const Reach& reach);
  void addZeros(const Triple& zeros);
  void addReorder(const Desc& to);
  void addActivation(const Activation& activation);
  void addDropout(float rate, bool foldedIntoWeights);
  void copyKept();
  /// What comes out of the layer just added, to the notes of ranges.
  void addRangeNote();
  void makeWalkable();
  void reshapeFlat(const Shape& shape);

  // Descriptors and memory.
  Dims dims(const Shape& shape) const;
  Dims axes(const Triple& triple) const;
  Desc plain(const Shape& shape, dnnl::memory::data_type type) const;
  Desc any(const Shape& shape, dnnl::memory::data_type type) const;
  dnnl::memory::data_type computeType() const;
  Arena nextArena() const;
  Flow produce(const Desc& desc, const Shape& shape, Arena arena);
  dnnl::memory alias(const Desc& desc, const Flow& flow);
  dnnl::primitive_attr attributes() const;
  dnnl::memory scratch(const Desc& desc);
  void step(std::string kernel, std::function<void(Pass&)> run);
  /// A step that changes the flowing tensor in place: work(data, type, layout).
  void inPlace(std::function<void(Pass&, void*, ElementType, const Layout&)> work);
  bool random(float rate) const { return spec_.monteCarlo && rate > 0.01F; }

  const Network& network_;
  PlanSpec spec_;
  WeightStore& weights_;
  const dnnl::engine& engine_;
  dnnl::stream& stream_;
  std::vector<LayerShape> shapes_;
  size_t rank_ = 2;  // spatial axes of the descriptors
  size_t layer_ = 0;
  bool randomSeen_ = false;
  Flow flow_;
  std::unique_ptr<Plan> plan_ = std::make_unique<Plan>();
};

}  // namespace otf::onednn
