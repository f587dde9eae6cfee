#include "detect/pipeline.h"

#include <sched.h>

#include <algorithm>
#include <string>
#include <thread>

#include "detect/config_check.h"
#include "detect/slot_ring.h"
#include "detect/stopwatch.h"
#include "error/error.h"

namespace otf {
namespace {

int availableCpus() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

void checkOptions(const PipelineOptions& options) {
  const auto check = [](int value, int low, int high, const char* name) {
    if (value < low || value > high) {
      throw OtfError(Code::kInvalidArgument, std::string(name) + " " + std::to_string(value) +
                                                 " must be within " + std::to_string(low) + ".." +
                                                 std::to_string(high));
    }
  };
  check(options.batch, 1, 4096, "batch");
  check(options.slots, 1, 64, "slots");
  check(options.threads, 0, 1024, "threads");
}

void throwIfCancelled(const std::atomic<bool>* cancel) {
  if (cancel && *cancel) throw OtfError(Code::kCancelled, "detection was cancelled");
}

std::vector<Batch> makeBatches(int64_t tiles, int batch) {
  std::vector<Batch> batches;
  int64_t first = 0;
  for (const int size : planBatches(tiles, batch)) {
    batches.push_back({first, size});
    first += size;
  }
  return batches;
}

/// Runs a stage; its failure stops the others.
template <typename Stage>
void guarded(SlotRing& ring, Stage stage) noexcept {
  try {
    stage();
  } catch (...) {
    ring.stop(std::current_exception());
  }
}

void fillAll(SlotRing& ring, DetectionTask& task) {
  while (Slot* slot = ring.waitEmpty()) {
    task.fillTiles(slot->batch.firstTile, slot->batch.tiles, slot->input.floats());
    ring.markFilled();
  }
}

void consumeAll(SlotRing& ring, DetectionTask& task) {
  const int64_t inputs = task.layout().tilePixels(), outputs = task.outputValues();
  while (const auto piece = ring.waitPiece()) {
    const Slot& slot = *piece->slot;
    task.consume(slot.batch.firstTile + piece->tile, 1, slot.input.floats() + piece->tile * inputs,
                 slot.output.floats() + piece->tile * outputs);
    ring.markConsumed(*piece);
  }
}

/// Returns the seconds spent in the engine.
double inferAll(SlotRing& ring, const DetectionTask& task, Engine& engine, const PipelineOptions& options) {
  const Extent extent{task.config().tilePx, task.config().tilePx, 1};
  double seconds = 0;
  while (Slot* slot = ring.waitFilled()) {
    throwIfCancelled(options.cancel);
    const Stopwatch watch;
    engine.forward(extent, slot->batch.tiles, slot->input.floats(), slot->output.floats());
    seconds += watch.seconds();
    const int64_t done = slot->batch.firstTile + slot->batch.tiles;
    ring.markInferred();
    if (options.progress) options.progress(done, task.tileCount());
  }
  return seconds;
}

/// The three stages from the first tile to the last box; returns the seconds spent in the engine.
double runStages(DetectionTask& task, Engine& engine, const PipelineOptions& options, int threads) {
  SlotRing ring(makeBatches(task.tileCount(), options.batch), options.slots, task.layout().tilePixels(),
                task.outputValues());
  double inferSeconds = 0;
  {
    std::vector<std::jthread>
        stages;  // joined on every way out of this block, once the ring has ended or stopped
    guarded(ring, [&] {
      stages.emplace_back([&] { guarded(ring, [&] { fillAll(ring, task); }); });
      for (int i = 0; i < std::min(threads, options.batch); ++i) {
        stages.emplace_back([&] { guarded(ring, [&] { consumeAll(ring, task); }); });
      }
      inferSeconds = inferAll(ring, task, engine, options);
    });
  }
  ring.rethrow();
  return inferSeconds;
}

}  // namespace

std::vector<int> planBatches(int64_t tiles, int batch) {
  if (tiles < 1) return {};
  const int64_t passes = (tiles + batch - 1) / batch;
  std::vector<int> sizes(static_cast<size_t>(passes), static_cast<int>(tiles / passes));
  std::fill_n(sizes.begin(), tiles % passes, static_cast<int>(tiles / passes) + 1);
  return sizes;
}

DetectionResult runDetection(DetectionTask& task, Engine& engine, const PipelineOptions& options) {
  const Stopwatch watch;
  checkOptions(options);
  checkDetectorNetwork(task.config(), engine.network());
  const Extent extent{task.config().tilePx, task.config().tilePx, 1};
  if (engine.outputValues(extent) != task.outputValues()) {
    throw OtfError(Code::kDetectorConfig,
                   "the engine's network is not the one this detection was prepared for: " +
                       std::to_string(engine.outputValues(extent)) + " values per tile, not " +
                       std::to_string(task.outputValues()));
  }
  task.setCancel(options.cancel);
  const int threads = options.threads > 0 ? options.threads : availableCpus();
  const double inferSeconds = runStages(task, engine, options, threads);
  throwIfCancelled(options.cancel);
  DetectionResult result = task.finish(options.beam, threads);
  result.seconds.infer = inferSeconds;
  result.seconds.wall = watch.seconds();
  return result;
}

}  // namespace otf
