#include "engine/cuda/run/runner.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace otf::cuda {
namespace {

// Enough to fill the largest GPU, and little enough that copies of one piece run beside the computing of another.
constexpr int kUsualItems = 32;
// Sizes and batches seldom vary; each plan holds a graph.
constexpr size_t kMostPlans = 8;

}  // namespace

/// Pieces under way, oldest first. Whatever happens, their lanes are waited for and given back.
class Runner::Flights {
 public:
  Flights(Runner& runner, int64_t valuesOut, float* output)
      : runner_(runner), valuesOut_(valuesOut), output_(output) {}
  ~Flights() {
    for (const Flight& flight : under_) {
      cudaEventSynchronize(flight.lane->outputThere.get());
      runner_.giveBack(*flight.lane);
    }
  }
  bool any() const { return !under_.empty(); }
  void add(const Flight& flight) { under_.push_back(flight); }
  void collectOldest() {
    const Flight flight = under_.front();
    flight.lane->outputThere.wait();
    std::memcpy(output_ + flight.first * valuesOut_, flight.lane->output.data(),
                floatBytes(flight.items * valuesOut_));
    under_.pop_front();
    runner_.giveBack(*flight.lane);
  }

 private:
  Runner& runner_;
  int64_t valuesOut_;
  float* output_;
  std::deque<Flight> under_;
};

Runner::Runner(std::shared_ptr<const Network> network, const RunnerOptions& options, const Device& device)
    : network_(std::move(network)),
      options_(options),
      device_(device),
      weights_(network_, options.inputBias, elementOf(options.computeType), device.sharedLimit),
      mostItems_(options.mostItems > 0 ? options.mostItems : kUsualItems) {}

Runner::~Runner() { cudaStreamSynchronize(compute_); }

PlanSpec Runner::specOf(Extent extent, int items, bool monteCarlo) const {
  return {
      extent, items, monteCarlo, options_.rawOutput, elementOf(options_.computeType), device_.sharedLimit};
}

int Runner::pieceOf(int left) const {
  const int most = mostItems_;
  const int pieces = (left + most - 1) / most;
  return (left + pieces - 1) / pieces;
}

/// The one with the most memory.
Lane* Runner::takeFree() {
  Lane* best = nullptr;
  int taken = 0;
  for (Lane& lane : lanes_) {
    if (lane.taken)
      ++taken;
    else if (best == nullptr || lane.bytes() > best->bytes())
      best = &lane;
  }
  if (best == nullptr || taken >= mostLanes_) return nullptr;
  best->taken = true;
  return best;
}

/// Who has pieces under way waits for his own: nobody holds a lane while he waits for another's.
Lane& Runner::take(Flights* flights) {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      Lane* lane = takeFree();
      if (lane == nullptr && (flights == nullptr || !flights->any()))
        freed_.wait(lock, [&] { return (lane = takeFree()) != nullptr; });
      if (lane != nullptr) return *lane;
    }
    flights->collectOldest();
  }
}

void Runner::giveBack(Lane& lane) {
  {
    const std::lock_guard lock(mutex_);
    lane.taken = false;
  }
  freed_.notify_one();
}

/// Of a piece that failed: what it may have started must not meet the next one's memory.
void Runner::settle(Lane& lane) {
  cudaStreamSynchronize(lane.copies);
  // Of a stream that somebody records on, waiting for it is an error, and spoils the recording.
  const std::lock_guard lock(mutex_);
  cudaStreamSynchronize(compute_);
}

/// After a piece found no memory: what lies about is given up, and there will be fewer items at once, or of single ones fewer
/// under way. False: the lane had all there is.
bool Runner::makeRoom(Lane& lane, const PlanSpec& spec) {
  const std::array<size_t, kArenas> needs = planNeeds(*network_, spec);
  const std::lock_guard lock(mutex_);
  int others = 0;
  bool something = spec.items > 1;
  for (const Lane& each : lanes_) {
    if (&each == &lane) continue;
    if (each.taken) ++others;
    something = something || each.taken || each.bytes() > 0;
  }
  for (size_t i = 0; i < kArenas; ++i) something = something || arenas_[i].bytes() > needs[i];
  if (!something) return false;
  // Fewer items need less of everything: what was taken for many is in their way.
  compute_.wait();
  for (Lane& each : lanes_) {
    each.plans.clear();
    if (&each == &lane || !each.taken) each.release();
  }
  arenas_ = {};
  if (spec.items > 1) {
    mostItems_ = std::max(1, std::min(mostItems_.load(), spec.items / 2));
    std::fprintf(stderr, "engine cuda: there is no memory for %d items at once; %d from now on\n", spec.items,
                 mostItems_.load());
  } else if (others > 0 && others < mostLanes_) {
    mostLanes_ = others;
    std::fprintf(stderr, "engine cuda: there is no memory for %d batches under way; %d from now on\n",
                 others + 1, others);
  }
  return true;
}

void Runner::fitArenas(const std::array<size_t, kArenas>& needs) {
  bool fits = true;
  for (size_t i = 0; i < kArenas; ++i) fits = fits && needs[i] <= arenas_[i].bytes();
  if (fits) return;
  compute_.wait();
  for (Lane& lane : lanes_) lane.plans.clear();
  for (size_t i = 0; i < kArenas; ++i) {
    if (needs[i] <= arenas_[i].bytes()) continue;
    arenas_[i] = {};
    arenas_[i] = DeviceMemory(needs[i], "this batch and tile size");
  }
}

PreparedPlan& Runner::prepared(Lane& lane, const PlanSpec& spec) {
  auto& plans = lane.plans;
  const auto known =
      std::find_if(plans.begin(), plans.end(), [&](const PreparedPlan& p) { return p.spec == spec; });
  if (known != plans.end()) {
    plans.splice(plans.begin(), plans, known);
    return plans.front();
  }
  fitArenas(planNeeds(*network_, spec));
  auto plan = buildPlan(*network_, spec, weights_, arenas_, lane.deviceInput.floats(),
                        lane.deviceOutput.floats(), compute_);
  plans.push_front({spec, std::move(plan), {}});
  if (plans.size() > kMostPlans) {
    compute_.wait();  // its graph may be running
    plans.pop_back();
  }
  return plans.front();
}

/// Without a graph a pass begins a little later, and is no less right.
void Runner::record(PreparedPlan& ready) {
  try {
    ready.graph = Graph(compute_, [&] { ready.plan->run(compute_); });
  } catch (const OtfError& error) {
    ready.recordable = false;
    std::fprintf(stderr, "engine cuda: %s; such passes begin kernel by kernel\n", error.what());
  }
}

void Runner::upload(Lane& lane, size_t bytes) {
  check(
      cudaMemcpyAsync(lane.deviceInput.data(), lane.input.data(), bytes, cudaMemcpyHostToDevice, lane.copies),
      "copying tiles to the GPU");
  lane.inputThere.record(lane.copies);
  lane.inputThere.before(compute_);
}

void Runner::download(Lane& lane, size_t bytes) {
  lane.computed.record(compute_);
  lane.computed.before(lane.copies);
  check(cudaMemcpyAsync(lane.output.data(), lane.deviceOutput.data(), bytes, cudaMemcpyDeviceToHost,
                        lane.copies),
        "copying results from the GPU");
  lane.outputThere.record(lane.copies);
}

void Runner::submit(Lane& lane, const PlanSpec& spec, const Sizes& sizes) {
  const std::lock_guard lock(mutex_);
  const bool isKnown = std::any_of(lane.plans.begin(), lane.plans.end(),
                                   [&](const PreparedPlan& p) { return p.spec == spec; });
  PreparedPlan& ready = prepared(lane, spec);
  // The first pass loads kernels, which a recording may not.
  if (isKnown && ready.recordable && !ready.graph.ready()) record(ready);
  upload(lane, floatBytes(spec.items * sizes.in));
  if (ready.graph.ready())
    ready.graph.launch(compute_);
  else
    ready.plan->run(compute_);
  download(lane, floatBytes(spec.items * sizes.out));
}

Runner::Sizes Runner::sizesOf(Extent extent) const {
  return {Shape{extent, network_->trained.c}.values(), inferShapes(*network_, extent).back().shape.values()};
}

/// `input`: of the piece; nullptr: whatever is there.
void Runner::fill(Lane& lane, int items, const Sizes& sizes, const float* input) {
  {
    // Others clear the plans of all lanes.
    const std::lock_guard lock(mutex_);
    lane.fit(floatBytes(items * sizes.in), floatBytes(items * sizes.out));
  }
  if (input != nullptr) std::memcpy(lane.input.data(), input, floatBytes(items * sizes.in));
}

/// False: there was no memory; there may be now, for fewer items. The lane is given back unless it is true.
bool Runner::attempt(Lane& lane, const PlanSpec& spec, const std::function<void()>& work) {
  try {
    work();
    return true;
  } catch (...) {
    struct Back {
      Runner& runner;
      Lane& lane;
      ~Back() { runner.giveBack(lane); }
    } const back{*this, lane};
    settle(lane);
    try {
      throw;
    } catch (const OtfError& error) {
      if (error.code() != Code::kOutOfMemory || !makeRoom(lane, spec)) throw;
    }
    return false;
  }
}

void Runner::forward(Extent extent, int batch, const float* input, float* output) {
  const Sizes sizes = sizesOf(extent);
  Flights flights(*this, sizes.out, output);
  for (int first = 0; first < batch;) {
    const int items = pieceOf(batch - first);
    Lane& lane = take(&flights);
    const PlanSpec spec = specOf(extent, items, false);
    const bool isUnderWay = attempt(lane, spec, [&] {
      fill(lane, items, sizes, input + first * sizes.in);
      submit(lane, spec, sizes);
    });
    if (!isUnderWay) continue;
    flights.add({&lane, first, items});
    first += items;
  }
  while (flights.any()) flights.collectOldest();
}

int64_t Runner::memoryBytes() {
  const std::lock_guard lock(mutex_);
  int64_t bytes = weights_.bytes();
  for (const DeviceMemory& arena : arenas_) bytes += static_cast<int64_t>(arena.bytes());
  for (const Lane& lane : lanes_) bytes += lane.bytes();
  return bytes;
}

}  // namespace otf::cuda
