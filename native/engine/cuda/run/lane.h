// A way for items onto the device and back: pinned memory on the host's side, tensors on the other, and the plans
// that work on them. Several lanes let copies run beside the computing.
#pragma once

#include <list>
#include <memory>

#include "engine/cuda/run/plan.h"

namespace otf::cuda {

class Graph {
 public:
  Graph() = default;
  /// What `work` puts on the stream, as one thing to start.
  Graph(cudaStream_t stream, const std::function<void()>& work);
  Graph(Graph&& other) noexcept : executable_(std::exchange(other.executable_, nullptr)) {}
  Graph& operator=(Graph&& other) noexcept {
    std::swap(executable_, other.executable_);
    return *this;
  }
  ~Graph();
  bool ready() const { return executable_ != nullptr; }
  void launch(cudaStream_t stream) const { check(cudaGraphLaunch(executable_, stream), "starting a pass"); }

 private:
  cudaGraphExec_t executable_ = nullptr;
};

struct PreparedPlan {
  PlanSpec spec;
  std::unique_ptr<Plan> plan;
  Graph graph;  // from the second pass on
  bool recordable = true;
};

class Lane {
 public:
  /// Room for so many bytes each way; what was prepared for less is forgotten.
  void fit(size_t inputBytes, size_t outputBytes);
  void release();
  int64_t bytes() const { return static_cast<int64_t>(deviceInput.bytes() + deviceOutput.bytes()); }

  Stream copies;
  PinnedMemory input, output;
  DeviceMemory deviceInput, deviceOutput;
  Event inputThere, computed, outputThere;
  std::list<PreparedPlan> plans;  // the last used first
  bool taken = false;
};

}  // namespace otf::cuda
