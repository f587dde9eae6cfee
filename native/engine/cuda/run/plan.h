// A network made ready for one tile size and number of items: kernels in their order, on fixed memory.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/cuda/run/weights.h"

namespace otf::cuda {

/// Which pass of MC_MODEL.
struct Draw {
  uint64_t seed = 0;
  uint32_t repeat = 0;
};

struct Step {
  size_t layer;
  std::string kernel;
  std::function<void(cudaStream_t, const Draw&)> run;
};

/// Memory that all plans of an engine share, since they never run at once: activations flow between the first
/// two, the third keeps what precedes the first random layer of MC_MODEL. In tests each tensor has its own.
enum Arena : size_t { kFlowA, kFlowB, kKept, kArenas };

struct PlanSpec {
  Extent extent;
  int items = 1;
  bool monteCarlo = false;
  bool rawOutput = false;
  Element type = Element::kFloat;
  size_t sharedLimit = 0;
  bool operator==(const PlanSpec&) const = default;
};

class Plan {
 public:
  /// From step `first` on: 0, or firstRandom() once the whole has run on the same input.
  void run(cudaStream_t stream, const Draw& draw = {}, size_t first = 0) const;
  size_t firstRandom() const { return firstRandom_; }
  const std::vector<Step>& steps() const { return steps_; }
  const std::array<size_t, kArenas>& needs() const { return needs_; }

 private:
  friend class PlanBuilder;
  std::vector<Step> steps_;
  size_t firstRandom_ = 0;
  std::array<size_t, kArenas> needs_{};
  std::vector<DeviceMemory> own_;  // tensors, in tests
};

/// Bytes a plan needs of each arena; nothing is allocated.
std::array<size_t, kArenas> planNeeds(const Network& network, const PlanSpec& spec);

/// `input` and `output` on the device, as Engine::forward has them. Throws kShapeMismatch, kOutOfMemory.
std::unique_ptr<Plan> buildPlan(const Network& network, const PlanSpec& spec, WeightStore& weights,
                                const std::array<DeviceMemory, kArenas>& arenas, const float* input,
                                float* output, cudaStream_t stream);

}  // namespace otf::cuda
