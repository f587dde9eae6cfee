#include "engine/cuda/run/runner.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace otf::cuda {
namespace {

// Enough to fill the largest GPU, and little enough that copies of one piece run beside the computing of another.
constexpr int kUsualItems = 32;
// Sizes and batches seldom vary; each plan holds a graph.
constexpr size_t kMostPlans = 8;

size_t floatBytes(int64_t values) { return static_cast<size_t>(values) * sizeof(float); }

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
  const int pieces = (left + mostItems_ - 1) / mostItems_;
  return (left + pieces - 1) / pieces;
}

Lane* Runner::takeFree() {
  for (Lane& lane : lanes_) {
    if (lane.taken) continue;
    lane.taken = true;
    return &lane;
  }
  return nullptr;
}

/// Who has pieces under way waits for his own: nobody holds a lane while he waits for another's.
Lane& Runner::take(Flights& flights) {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      Lane* lane = takeFree();
      if (lane == nullptr && !flights.any())
        freed_.wait(lock, [&] { return (lane = takeFree()) != nullptr; });
      if (lane != nullptr) return *lane;
    }
    flights.collectOldest();
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
void Runner::abandon(Lane& lane) {
  cudaStreamSynchronize(lane.copies);
  cudaStreamSynchronize(compute_);
  giveBack(lane);
}

/// False: there is nothing left to halve.
bool Runner::halve(const OtfError& error, int items) {
  if (error.code() != Code::kOutOfMemory || items == 1) return false;
  const std::lock_guard lock(mutex_);
  mostItems_ = std::max(1, std::min(mostItems_, items / 2));
  // Fewer items need less of everything: what was taken for many is in their way.
  compute_.wait();
  for (Lane& lane : lanes_) {
    lane.plans.clear();
    if (!lane.taken) lane.release();
  }
  arenas_ = {};
  std::fprintf(stderr, "engine cuda: the GPU has no memory for %d items at once; %d from now on\n", items,
               mostItems_);
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

void Runner::submit(Lane& lane, const PlanSpec& spec) {
  const std::lock_guard lock(mutex_);
  const bool isKnown = std::any_of(lane.plans.begin(), lane.plans.end(),
                                   [&](const PreparedPlan& p) { return p.spec == spec; });
  PreparedPlan& ready = prepared(lane, spec);
  // The first pass loads kernels, which a recording may not.
  if (isKnown && !ready.graph.ready()) ready.graph = Graph(compute_, [&] { ready.plan->run(compute_); });
  const int64_t in = Shape{spec.extent, network_->trained.c}.values();
  const int64_t out = inferShapes(*network_, spec.extent).back().shape.values();
  upload(lane, floatBytes(spec.items * in));
  if (ready.graph.ready())
    ready.graph.launch(compute_);
  else
    ready.plan->run(compute_);
  download(lane, floatBytes(spec.items * out));
}

void Runner::forward(Extent extent, int batch, const float* input, float* output) {
  const int64_t in = Shape{extent, network_->trained.c}.values();
  const int64_t out = inferShapes(*network_, extent).back().shape.values();
  Flights flights(*this, out, output);
  for (int first = 0; first < batch;) {
    const int items = pieceOf(batch - first);
    Lane& lane = take(flights);
    try {
      lane.fit(floatBytes(items * in), floatBytes(items * out));
      std::memcpy(lane.input.data(), input + first * in, floatBytes(items * in));
      submit(lane, specOf(extent, items, false));
    } catch (const OtfError& error) {
      abandon(lane);
      if (!halve(error, items)) throw;
      continue;
    } catch (...) {
      abandon(lane);
      throw;
    }
    flights.add({&lane, first, items});
    first += items;
  }
  while (flights.any()) flights.collectOldest();
}

template <typename Work>
void Runner::alone(Extent extent, int batch, bool monteCarlo, const float* input, Work work) {
  const int64_t in = Shape{extent, network_->trained.c}.values();
  const int64_t out = inferShapes(*network_, extent).back().shape.values();
  Flights none(*this, out, nullptr);
  for (int first = 0; first < batch;) {
    const int items = pieceOf(batch - first);
    Lane& lane = take(none);
    try {
      lane.fit(floatBytes(items * in), floatBytes(items * out));
      if (input != nullptr) std::memcpy(lane.input.data(), input + first * in, floatBytes(items * in));
      const std::lock_guard lock(mutex_);
      PreparedPlan& ready = prepared(lane, specOf(extent, items, monteCarlo));
      upload(lane, floatBytes(items * in));
      work(lane, *ready.plan, first, items);
    } catch (const OtfError& error) {
      abandon(lane);
      if (!halve(error, items)) throw;
      continue;
    } catch (...) {
      abandon(lane);
      throw;
    }
    giveBack(lane);
    first += items;
  }
}

void Runner::monteCarlo(Extent extent, int batch, int repeats, uint64_t seed, const float* input, float* mean,
                        float* deviation) {
  const int64_t out = inferShapes(*network_, extent).back().shape.values();
  alone(extent, batch, true, input, [&](Lane& lane, const Plan& plan, int first, int items) {
    const auto values = static_cast<size_t>(items * out);
    // Welford's update: one pass, no cancellation.
    std::vector<double> means(values, 0.0);
    std::vector<double> squares(values, 0.0);
    for (int r = 0; r < repeats; ++r) {
      plan.run(compute_, {seed + static_cast<uint64_t>(first), static_cast<uint32_t>(r)},
               r == 0 ? 0 : plan.firstRandom());
      download(lane, floatBytes(items * out));
      lane.outputThere.wait();
      for (size_t i = 0; i < values; ++i) {
        const double distance = lane.output.floats()[i] - means[i];
        means[i] += distance / (r + 1);
        squares[i] += distance * (lane.output.floats()[i] - means[i]);
      }
    }
    for (size_t i = 0; i < values; ++i) {
      mean[first * out + static_cast<int64_t>(i)] = static_cast<float>(means[i]);
      deviation[first * out + static_cast<int64_t>(i)] =
          static_cast<float>(std::sqrt(squares[i] / (repeats - 1)));
    }
  });
}

std::vector<LayerTime> Runner::profile(Extent extent, int batch, const float* input, float* output) {
  const int64_t out = inferShapes(*network_, extent).back().shape.values();
  std::vector<LayerTime> times;
  alone(extent, batch, false, input, [&](Lane& lane, const Plan& plan, int first, int items) {
    const auto& steps = plan.steps();
    plan.run(compute_);  // kernels are loaded, clocks are up
    std::vector<Event> events;
    for (size_t i = 0; i <= steps.size(); ++i) events.emplace_back(true);
    events[0].record(compute_);
    for (size_t i = 0; i < steps.size(); ++i) {
      steps[i].run(compute_, {});
      events[i + 1].record(compute_);
    }
    download(lane, floatBytes(items * out));
    lane.outputThere.wait();
    std::memcpy(output + first * out, lane.output.data(), floatBytes(items * out));
    times.resize(std::max(times.size(), steps.size()));
    for (size_t i = 0; i < steps.size(); ++i) {
      times[i].layer = steps[i].layer;
      times[i].kernel = steps[i].kernel;
      times[i].seconds += events[i].secondsUntil(events[i + 1]);
    }
  });
  return times;
}

double Runner::timeResident(Extent extent, int items, int repeats) {
  double seconds = 0;
  alone(extent, items, false, nullptr, [&](Lane&, const Plan& plan, int, int) {
    plan.run(compute_);
    const Graph graph(compute_, [&] { plan.run(compute_); });
    const Event begin(true), end(true);
    graph.launch(compute_);
    begin.record(compute_);
    for (int i = 0; i < repeats; ++i) graph.launch(compute_);
    end.record(compute_);
    end.wait();
    seconds += begin.secondsUntil(end);
  });
  return seconds / repeats;
}

int64_t Runner::memoryBytes() {
  const std::lock_guard lock(mutex_);
  int64_t bytes = weights_.bytes();
  for (const DeviceMemory& arena : arenas_) bytes += static_cast<int64_t>(arena.bytes());
  for (const Lane& lane : lanes_) bytes += lane.bytes();
  return bytes;
}

}  // namespace otf::cuda
