// What one team of threads needs to run passes: plans made ready, and the memory they work in.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <mutex>

#include "engine/onednn/plan.h"

namespace otf::onednn {

/// Shared by the lanes of an engine. `building` is held while a plan is made: they share the weights.
struct LaneShop {
  const Network& network;
  WeightStore& weights;
  const dnnl::engine& engine;
  bool bf16, rawOutput;
  std::mutex building;
  const Calibration* int8 = nullptr;  // as PlanSpec's
  RangeNotes* ranges = nullptr;
};

/// One thread at a time, always the same: what oneDNN makes depends on that thread's team.
class Lane {
 public:
  explicit Lane(LaneShop& shop) : shop_(shop), stream_(shop.engine) {}

  /// Ready to run; the memory it works in is `arenas()`. Throws kShapeMismatch, dnnl::error, std::bad_alloc.
  Plan& planFor(Extent extent, int batch, bool monteCarlo);
  /// Passes over single items find their plan made and their memory touched. Throws as planFor().
  void prepare(Extent extent);
  dnnl::stream& stream() { return stream_; }
  const Arenas& arenas() const { return arenas_; }
  int64_t bytes() const { return bytes_; }

 private:
  struct Cached {
    Extent extent;
    int batch;
    bool monteCarlo;
    std::unique_ptr<Plan> plan;
  };
  void grow(const Plan& plan);

  LaneShop& shop_;
  dnnl::stream stream_;
  Arenas arenas_;
  std::list<Cached> plans_;  // most recently used first
  std::atomic<int64_t> bytes_{0};
};

}  // namespace otf::onednn
