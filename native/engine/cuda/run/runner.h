// One network on the device: batches in pieces that the device takes at once, on a few lanes.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "engine/cuda/run/lane.h"

namespace otf::cuda {

struct RunnerOptions {
  ComputeType computeType = ComputeType::kFp32cFp32a;
  float inputBias = 0.1F;
  bool rawOutput = false;
  int mostItems = 0;  // at once; 0: kUsualItems
};

inline size_t floatBytes(int64_t values) { return static_cast<size_t>(values) * sizeof(float); }

struct LayerTime {
  size_t layer;
  std::string kernel;
  double seconds;
};

/// Thread-safe. Pieces of several calls share the device in the order they come.
class Runner {
 public:
  Runner(std::shared_ptr<const Network> network, const RunnerOptions& options, const Device& device);
  ~Runner();

  void forward(Extent extent, int batch, const float* input, float* output);
  void monteCarlo(Extent extent, int batch, int repeats, uint64_t seed, const float* input, float* mean,
                  float* deviation);
  /// A pass with the time of each step, by the device's clock.
  std::vector<LayerTime> profile(Extent extent, int batch, const float* input, float* output);
  /// Seconds of `repeats` passes over `items` items that are on the device already.
  double timeResident(Extent extent, int items, int repeats);
  int64_t memoryBytes();
  const Network& network() const { return *network_; }
  int mostItems() const { return mostItems_; }

 private:
  static constexpr int kLanes = 3;
  struct Flight {
    Lane* lane;
    int first, items;
  };
  class Flights;
  /// Of an item, in values.
  struct Sizes {
    int64_t in, out;
  };
  PlanSpec specOf(Extent extent, int items, bool monteCarlo) const;
  int pieceOf(int left) const;
  /// With mutex_ held.
  Lane* takeFree();
  /// `flights`: the caller's, if he has any under way.
  Lane& take(Flights* flights);
  void giveBack(Lane& lane);
  void settle(Lane& lane);
  bool makeRoom(Lane& lane, const PlanSpec& spec);
  /// These three with mutex_ held.
  PreparedPlan& prepared(Lane& lane, const PlanSpec& spec);
  void fitArenas(const std::array<size_t, kArenas>& needs);
  void record(PreparedPlan& ready);
  Sizes sizesOf(Extent extent) const;
  void fill(Lane& lane, int items, const Sizes& sizes, const float* input);
  void submit(Lane& lane, const PlanSpec& spec, const Sizes& sizes);
  void upload(Lane& lane, size_t bytes);
  void download(Lane& lane, size_t bytes);
  bool attempt(Lane& lane, const PlanSpec& spec, const std::function<void()>& work);
  /// One piece on a lane that nobody else has; `work` puts it on the stream.
  template <typename Work>
  void alone(Extent extent, int batch, bool monteCarlo, const float* input, Work work);

  std::shared_ptr<const Network> network_;
  RunnerOptions options_;
  Device device_;
  WeightStore weights_;
  std::mutex mutex_;  // of all below, plans of lanes included; nobody waits for compute_ without it
  std::condition_variable freed_;
  Stream compute_;
  std::array<DeviceMemory, kArenas> arenas_;
  std::array<Lane, kLanes> lanes_;
  int mostLanes_ = kLanes;      // taken at once
  std::atomic<int> mostItems_;  // read by callers while another halves it
};

}  // namespace otf::cuda
