// What has the device for itself: one piece of a batch at a time, nothing copied beside it.
#include <algorithm>
#include <cstring>

#include "engine/cuda/run/runner.h"
#include "engine/moments.h"

namespace otf::cuda {

template <typename Work>
void Runner::alone(Extent extent, int batch, bool monteCarlo, const float* input, Work work) {
  const Sizes sizes = sizesOf(extent);
  for (int first = 0; first < batch;) {
    const int items = pieceOf(batch - first);
    Lane& lane = take(nullptr);
    const PlanSpec spec = specOf(extent, items, monteCarlo);
    const bool isDone = attempt(lane, spec, [&] {
      fill(lane, items, sizes, input == nullptr ? nullptr : input + first * sizes.in);
      const std::lock_guard lock(mutex_);
      PreparedPlan& ready = prepared(lane, spec);
      upload(lane, floatBytes(items * sizes.in));
      work(lane, *ready.plan, first, items);
    });
    if (!isDone) continue;
    giveBack(lane);
    first += items;
  }
}

void Runner::monteCarlo(Extent extent, int batch, int repeats, uint64_t seed, const float* input, float* mean,
                        float* deviation) {
  const int64_t out = sizesOf(extent).out;
  alone(extent, batch, true, input, [&](Lane& lane, const Plan& plan, int first, int items) {
    Moments moments(static_cast<size_t>(items * out));
    for (int r = 0; r < repeats; ++r) {
      plan.run(compute_, {seed + static_cast<uint64_t>(first), static_cast<uint32_t>(r)},
               r == 0 ? 0 : plan.firstRandom());
      download(lane, floatBytes(items * out));
      lane.outputThere.wait();
      moments.add(lane.output.floats());
    }
    moments.write(mean + first * out, deviation + first * out);
  });
}

std::vector<LayerTime> Runner::profile(Extent extent, int batch, const float* input, float* output) {
  const int64_t out = sizesOf(extent).out;
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

}  // namespace otf::cuda
