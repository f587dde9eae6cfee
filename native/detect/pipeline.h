// The whole way of one image through one engine in this process: three stages overlap on a small ring of slots.
//
//   fill thread ──filled──► calling thread: forward ──inferred──► consumer threads
//        ▲                                                              │
//        └───────────────────────── empty ◄─────────────────────────────┘
//
// The engine uses the same cores, so a stage that has nothing to do sleeps. The first failure of any stage
// stops all, and is the one thrown.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "detect/detection_task.h"
#include "engine/engine.h"

namespace otf {

struct PipelineOptions {
  int batch = 8;    // most tiles of one forward pass
  int slots = 3;    // batches in memory at once
  int threads = 0;  // of selection and suppression; 0: the CPUs this process may use
  PrimaryBeam* beam = nullptr;
  /// After each forward pass, on the calling thread: tiles inferred, tiles in all.
  std::function<void(int64_t done, int64_t total)> progress = {};
  const std::atomic<bool>* cancel = nullptr;  // set it to true from any thread: kCancelled
};

/// Sizes of the forward passes for `tiles` tiles: as few as `batch` allows and as equal as can be, larger ones first.
/// At most two different sizes, so that an engine prepares itself twice at most, and none is needlessly small.
std::vector<int> planBatches(int64_t tiles, int batch);

/// Throws as checkDetectorNetwork, DetectionTask and Engine::forward; kInvalidArgument, kCancelled,
/// kOutOfMemory. `task` is used up.
DetectionResult runDetection(DetectionTask& task, Engine& engine, const PipelineOptions& options);

}  // namespace otf
