// A network made ready for one input size and batch: the list of steps a forward pass walks through.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "engine/onednn/compat.h"
#include "engine/onednn/weights.h"
#include "tensor/buffer.h"

namespace otf::onednn {

/// Which pass of MC_MODEL; absent in AVG_MODEL.
struct Draw {
  uint64_t seed = 0;
  uint32_t repeat = 0;
};

/// What a step sees of one forward pass.
struct Pass {
  dnnl::stream& stream;
  const float* input = nullptr;
  float* output = nullptr;
  const Draw* draw = nullptr;
  /// No |value| of the tensor now flowing is larger.
  /// Lets layers that cannot reach their saturation skip looking for it.
  float bound = 0;
  /// Of profile(): a step of several layers notes here how long each took.
  std::vector<double>* apart = nullptr;
};

/// Where a layer begins: its first step, and the tensor it is given (empty: the caller's input). A pass cannot stop before
/// a layer inside a step of several.
struct Entry {
  static constexpr size_t kInside = static_cast<size_t>(-1);
  size_t step = 0;
  dnnl::memory flow;
};

struct Step {
  size_t layer = 0;
  std::string kernel;  // empty: of our own
  std::function<void(Pass&)> run;
  size_t layers = 1;        // that one and those after it
  double arithmetic = 1.0;  // what it does of the layers' multiply-adds, where another algorithm needs fewer
};

/// What profile() found out about a layer.
struct LayerNote {
  double seconds = 0;
  std::string kernel;
  bool follows = false;     // inside the step of the layer before
  double arithmetic = 1.0;  // Step's
};

/// Memory that plans of one lane share, since they never run at once: activations flow between the first two,
/// the third keeps what precedes the first random layer of MC_MODEL, the last is the primitives' scratchpad.
enum Arena : size_t { kFlowA, kFlowB, kKept, kScratch, kArenas };
using Arenas = std::array<Buffer, kArenas>;

class Plan {
 public:
  /// AVG_MODEL pass, or the whole of one MC_MODEL pass.
  void run(Pass& pass, const Arenas& arenas);
  /// run() of an AVG_MODEL pass that asks before each layer where it can whether to stop there. Returns that layer,
  /// or the number of layers when the pass is complete.
  size_t runUntil(Pass& pass, const Arenas& arenas, const std::function<bool(size_t layer)>& stop);
  /// The rest of a pass that `begun`, a plan for the same network, input size and batch, stopped before
  /// `layer`; `pass` has its input, output and bound.
  void resume(Pass& pass, const Arenas& arenas, size_t layer, const Plan& begun);
  /// The part of an MC_MODEL pass from the first random layer on; run() must have come before.
  void runRandomPart(Pass& pass);
  /// run(), with the time of each layer.
  std::vector<LayerNote> profile(Pass& pass, const Arenas& arenas, size_t layers);

  const std::array<size_t, kArenas>& needs() const { return needs_; }

 private:
  friend class PlanBuilder;
  void bind(const Arenas& arenas);

  std::vector<Step> steps_;
  std::vector<Entry> entries_;  // of the layers
  size_t firstRandom_ = 0;      // index into steps_; their number when nothing is random
  std::vector<std::pair<dnnl::memory, Arena>> tensors_;
  std::array<size_t, kArenas> needs_{};
};

struct PlanSpec {
  Extent extent;
  int batch = 1;
  bool monteCarlo = false;
  bool bf16 = false;
  bool rawOutput = false;
  const Calibration* int8 = nullptr;  // what it has ranges for is done in 8 bits, the rest as `bf16` says
  RangeNotes* ranges = nullptr;       // with FP32: are told of all spatial layers
};

/// Throws kShapeMismatch; dnnl::error for what oneDNN refuses.
std::unique_ptr<Plan> buildPlan(const Network& network, const PlanSpec& spec, WeightStore& weights,
                                const dnnl::engine& engine, dnnl::stream& stream);

}  // namespace otf::onednn
