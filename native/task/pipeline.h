// The whole way of one task through one engine in this process: three stages overlap on a small ring of slots.
//
//   fill thread ──filled──► calling thread: forward ──inferred──► consumer threads
//        ▲                                                              │
//        └───────────────────────── empty ◄─────────────────────────────┘
//
// The engine uses the same cores, so a stage that has nothing to do sleeps. The first failure of any stage
// stops all, and is the one thrown.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/engine.h"
#include "task/tile_task.h"

namespace otf {

struct PipelineOptions {
  int batch = 8;    // most tiles of one forward pass
  int slots = 3;    // batches in memory at once
  int threads = 0;  // that consume; 0: the CPUs this process may use
  /// After each forward pass, on the calling thread: items inferred, items in all.
  std::function<void(int64_t done, int64_t total)> progress = {};
};

/// Sizes of the forward passes for `items` items: as few as `batch` allows and as equal as can be, larger ones first.
/// At most two different sizes, so that an engine prepares itself twice at most, and none is needlessly small.
std::vector<int> planBatches(int64_t items, int batch);

/// The CPUs this process may use, where `threads` is 0.
int threadCount(int threads);

/// Every item through the engine; what remains is the task's finish. Gives the seconds spent in the engine. Throws as
/// TileTask and Engine::forward; kInvalidArgument, kCancelled, kOutOfMemory.
double runTileTask(TileTask& task, Engine& engine, const PipelineOptions& options);

}  // namespace otf
