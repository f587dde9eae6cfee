#include "task/pipeline.h"

#include <sched.h>

#include <algorithm>
#include <string>
#include <thread>

#include "error/error.h"
#include "task/slot_ring.h"
#include "timing/stopwatch.h"

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

void throwIfCancelled(const TileTask& task) {
  if (task.isCancelled()) throw OtfError(Code::kCancelled, "the task was cancelled");
}

std::vector<Batch> makeBatches(int64_t items, int batch) {
  std::vector<Batch> batches;
  int64_t first = 0;
  for (const int size : planBatches(items, batch)) {
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

void fillAll(SlotRing& ring, TileTask& task) {
  while (Slot* slot = ring.waitEmpty()) {
    task.fill(slot->batch.firstTile, slot->batch.tiles, slot->input.floats());
    ring.markFilled();
  }
}

void consumeAll(SlotRing& ring, TileTask& task) {
  const int64_t inputs = task.inputValues(), outputs = task.outputValues();
  while (const auto piece = ring.waitPiece()) {
    const Slot& slot = *piece->slot;
    task.consume(slot.batch.firstTile + piece->tile, 1, slot.input.floats() + piece->tile * inputs,
                 slot.output.floats() + piece->tile * outputs);
    ring.markConsumed(*piece);
  }
}

/// Returns the seconds spent in the engine.
double inferAll(SlotRing& ring, const TileTask& task, Engine& engine, const PipelineOptions& options) {
  const Extent extent = task.itemExtent();
  double seconds = 0;
  while (Slot* slot = ring.waitFilled()) {
    throwIfCancelled(task);
    const Stopwatch watch;
    engine.forward(extent, slot->batch.tiles, slot->input.floats(), slot->output.floats());
    seconds += watch.seconds();
    const int64_t done = slot->batch.firstTile + slot->batch.tiles;
    ring.markInferred();
    if (options.progress) options.progress(done, task.items());
  }
  return seconds;
}

/// The three stages from the first tile to the last box; returns the seconds spent in the engine.
double runStages(TileTask& task, Engine& engine, const PipelineOptions& options, int threads) {
  SlotRing ring(makeBatches(task.items(), options.batch), options.slots, task.inputValues(),
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

std::vector<int> planBatches(int64_t items, int batch) {
  if (items < 1) return {};
  const int64_t passes = (items + batch - 1) / batch;
  std::vector<int> sizes(static_cast<size_t>(passes), static_cast<int>(items / passes));
  std::fill_n(sizes.begin(), items % passes, static_cast<int>(items / passes) + 1);
  return sizes;
}

int threadCount(int threads) { return threads > 0 ? threads : availableCpus(); }

double runTileTask(TileTask& task, Engine& engine, const PipelineOptions& options) {
  checkOptions(options);
  task.checkNetwork(engine.network());
  const double inferSeconds = runStages(task, engine, options, threadCount(options.threads));
  throwIfCancelled(task);
  return inferSeconds;
}

}  // namespace otf
