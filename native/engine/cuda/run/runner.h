// One network on the device: batches in pieces that the device takes at once, on a few lanes.
#pragma once

#include <array>
#include <condition_variable>
#include <deque>
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
  struct Flight {
    Lane* lane;
    int first, items;
  };
  class Flights;
  PlanSpec specOf(Extent extent, int items, bool monteCarlo) const;
  int pieceOf(int left) const;
  Lane* takeFree();
  Lane& take(Flights& flights);
  void giveBack(Lane& lane);
  void abandon(Lane& lane);
  bool halve(const OtfError& error, int items);
  /// With mutex_ held.
  PreparedPlan& prepared(Lane& lane, const PlanSpec& spec);
  void fitArenas(const std::array<size_t, kArenas>& needs);
  void submit(Lane& lane, const PlanSpec& spec);
  void upload(Lane& lane, size_t bytes);
  void download(Lane& lane, size_t bytes);
  /// One piece on a lane that nobody else has; `work` puts it on the stream.
  template <typename Work>
  void alone(Extent extent, int batch, bool monteCarlo, const float* input, Work work);

  std::shared_ptr<const Network> network_;
  RunnerOptions options_;
  Device device_;
  WeightStore weights_;
  std::mutex mutex_;
  std::condition_variable freed_;
  Stream compute_;
  std::array<DeviceMemory, kArenas> arenas_;
  std::array<Lane, 3> lanes_;
  int mostItems_;
};

}  // namespace otf::cuda
