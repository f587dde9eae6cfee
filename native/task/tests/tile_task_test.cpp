// A task of another kind than detection, through the same pipeline: items are numbers, the network doubles them.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <mutex>
#include <set>

#include "error/error.h"
#include "task/pipeline.h"
#include "task/raw_output.h"

using namespace otf;

namespace {

constexpr int64_t kValues = 4;

class Doubler : public Engine {
 public:
  const Network& network() const override { return network_; }
  const EngineInfo& info() const override { return info_; }
  void forward(Extent extent, int batch, const float* input, float* output) override {
    REQUIRE(extent.w == 2);
    for (int64_t i = 0; i < batch * kValues; ++i) output[i] = 2 * input[i];
    ++passes;
  }
  void forwardMonteCarlo(Extent, int, int, uint64_t, const float*, float*, float*) override {}
  std::vector<LayerTiming> profile(Extent, int, const float*, float*) override { return {}; }
  int64_t memoryBytes() const override { return 0; }

  int passes = 0;

 private:
  Network network_;
  EngineInfo info_;
};

class Counting : public TileTask {
 public:
  explicit Counting(int64_t items) : items_(items) {}
  int64_t items() const override { return items_; }
  Extent itemExtent() const override { return {2, 2, 1}; }
  int64_t inputValues() const override { return kValues; }
  int64_t outputValues() const override { return kValues; }
  void checkNetwork(const Network&) const override { ++checked; }
  int64_t memoryBytes() const override { return 0; }
  int64_t prepare() override { return items_; }
  void fill(int64_t first, int count, float* out) override {
    REQUIRE(first == next_);
    next_ += count;
    for (int64_t i = 0; i < count * kValues; ++i) out[i] = static_cast<float>(first * kValues + i);
    if (cancelAt >= 0 && next_ > cancelAt) cancel();
  }
  void consume(int64_t first, int count, const float* items, const float* outputs) override {
    const std::lock_guard lock(mutex_);
    for (int i = 0; i < count; ++i) REQUIRE(seen_.insert(first + i).second);
    for (int64_t i = 0; i < count * kValues; ++i) {
      REQUIRE(outputs[i] == 2 * items[i]);
      sum += outputs[i];
    }
  }
  void finish(int threads) override {
    REQUIRE(std::ssize(seen_) == items_);
    finishedWith = threads;
  }

  mutable int checked = 0;
  int64_t cancelAt = -1;
  double sum = 0;
  int finishedWith = 0;

 private:
  int64_t items_, next_ = 0;
  std::mutex mutex_;
  std::set<int64_t> seen_;
};

}  // namespace

TEST_CASE("every item of a task of any kind is filled, run and consumed once, whatever the batch") {
  for (const int batch : {1, 3, 8, 64}) {
    Counting task(25);
    Doubler engine;
    int64_t done = 0;
    const auto progress = [&](int64_t now, int64_t all) {
      CHECK(now > done);
      CHECK(all == 25);
      done = now;
    };
    CHECK(runTileTask(task, engine, {.batch = batch, .threads = 2, .progress = progress}) >= 0);
    task.finish(1);
    CHECK(done == 25);
    CHECK(task.checked == 1);
    CHECK(engine.passes == static_cast<int>(planBatches(25, batch).size()));
    CHECK(task.sum == 99 * 100);  // twice the sum of 0..99
    CHECK(task.finishedWith == 1);
  }
}

TEST_CASE("a task without items is run without a pass") {
  Counting task(0);
  Doubler engine;
  runTileTask(task, engine, {});
  CHECK(engine.passes == 0);
}

TEST_CASE("a cancelled task is not run on") {
  Counting task(100);
  task.cancelAt = 20;
  Doubler engine;
  bool cancelled = false;
  try {
    runTileTask(task, engine, {.batch = 2});
  } catch (const OtfError& error) {
    cancelled = error.code() == Code::kCancelled;
  }
  CHECK(cancelled);
  CHECK(engine.passes < 50);
}

TEST_CASE("the network's output is kept in the order of the items, in whatever order it comes") {
  const std::string path = std::filesystem::temp_directory_path() / ("otf-raw-" + std::to_string(::getpid()));
  const float values[6] = {1, 2, 3, 4, 5, 6};
  {
    RawOutput raw(path);
    raw.write(values + 4, 2, 4);
    raw.write(values, 4, 0);
    raw.sync();
  }
  float read[6] = {};
  std::FILE* file = std::fopen(path.c_str(), "rb");
  REQUIRE(file != nullptr);
  CHECK(std::fread(read, sizeof(float), 6, file) == 6);
  std::fclose(file);
  std::filesystem::remove(path);
  CHECK(std::equal(read, read + 6, values));
  CHECK_THROWS_AS(RawOutput("/nowhere/at/all"), OtfError);
}
