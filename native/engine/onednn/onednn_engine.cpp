#include "engine/onednn/onednn_engine.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <optional>

#include "engine/moments.h"
#include "engine/onednn/cpu.h"
#include "engine/onednn/item_teams.h"
#include "engine/onednn/lane.h"
#include "engine/threads/worker_thread.h"
#include "error/error.h"

namespace otf {
namespace {

using onednn::Draw;
using onednn::Lane;
using onednn::Pass;
using onednn::Plan;

// More teams than a usual batch has items would leave some without work.
constexpr int kMaxTeams = 8;
// Ten microseconds of one core: below, handing out items costs more than threads that wait.
constexpr double kLeastItemFlops = 1e6;
// Twenty milliseconds of one core: what is shorter is better done alone, for the next pass may be about to
// come, and then items of both would want the same cores.
constexpr double kLeastSharedFlops = 2e9;

/// Equal teams of all threads, the more the better; 0: one would be all.
int teamsOf(int threads) {
  for (int teams = std::min(threads, kMaxTeams); teams > 1; --teams)
    if (threads % teams == 0) return teams;
  return 0;
}

/// Dense layers read each weight once a pass: they want the whole batch in it.
bool hasDense(const Network& network) {
  return std::any_of(network.layers.begin(), network.layers.end(),
                     [](const Layer& layer) { return std::holds_alternative<DenseLayer>(layer); });
}

/// [i]: of layer i and all after it.
std::vector<double> flopsFrom(const Network& network, Extent extent) {
  std::vector<double> flops = layerFlops(network, extent);
  for (size_t i = flops.size() - 1; i > 0; --i) flops[i - 1] += flops[i];
  return flops;
}

/// Null but for INT8.
std::shared_ptr<const Calibration> calibrationFor(const EngineOptions& options) {
  if (onednn::effectiveType(options.computeType) != ComputeType::kInt8cInt32a) return nullptr;
  if (options.calibration) return options.calibration;
  throw OtfError(Code::kEngineUnavailable,
                 "INT8 needs a calibration, and the network has none: make one from example images "
                 "(cianna-otf models calibrate)");
}

std::shared_ptr<RangeNotes> rangesFor(const EngineOptions& options) {
  if (options.ranges && onednn::effectiveType(options.computeType) != ComputeType::kFp32cFp32a)
    throw OtfError(Code::kInvalidArgument, "ranges are taken in FP32");
  return options.ranges;
}

/// Two ways through the network: items of a batch one by one on teams of threads (nobody waits for anybody),
/// or several at once on all threads (a single item is soonest done). An item that is left alone on its team
/// changes from the first way to the second before its next layer.
class OnednnEngine final : public Engine {
 public:
  OnednnEngine(std::shared_ptr<const Network> network, const EngineOptions& options)
      : network_(std::move(network)),
        engine_(dnnl::engine::kind::cpu, 0),
        weights_(network_, options.inputBias, engine_),
        calibration_(calibrationFor(options)),
        ranges_(rangesFor(options)),
        shop_{*network_,
              weights_,
              engine_,
              onednn::hasBf16() && onednn::effectiveType(options.computeType) != ComputeType::kFp32cFp32a,
              options.rawOutput,
              {},
              calibration_.get(),
              ranges_.get()},
        threads_(threadsFor(options.threads)),
        wide_(shop_),
        worker_(threads_),
        teams_(options.oneItem || hasDense(*network_) ? 0 : teamsOf(threads_),
               threads_ / std::max(1, teamsOf(threads_))) {
    for (int i = 0; i < teams_.count(); ++i) lanes_.push_back(std::make_unique<Lane>(shop_));
    info_.engine = "onednn";
    info_.version = onednn::libraryVersion();
    info_.device = onednn::describeCpu();
    info_.asked = options.computeType;
    info_.effective = onednn::effectiveType(options.computeType);
    info_.threads = threads_;
  }

  const Network& network() const override { return *network_; }
  const EngineInfo& info() const override { return info_; }
  int passesAtOnce() const override { return teams_.count() > 0 ? 2 : 1; }

  int64_t memoryBytes() const override {
    int64_t bytes = weightBytes_ + wide_.bytes();
    for (const auto& lane : lanes_) bytes += lane->bytes();
    return bytes;
  }

  void forward(Extent extent, int batch, const float* input, float* output) override {
    requireBatch(batch);
    guarded([&] {
      const int64_t in = Shape{extent, network_->trained.c}.values();
      const int64_t out = outputValues(extent);
      const std::vector<double> flops = flopsFrom(*network_, extent);
      const auto item = [&](int team, int i) {
        runItem(*lanes_[team], extent, flops, input + i * in, output + i * out);
      };
      const auto together = [&](int first) {
        worker_.run(
            [&] { runItems(wide_, extent, batch - first, input + first * in, output + first * out); });
      };
      if (!oneByOne(flops)) return together(0);
      if (batch < teams_.count() && teams_.idle()) {
        together(0);
        return prepareTeams(extent);
      }
      // What does not give each team an item is soonest done by all of them, unless other items wait.
      const int whole = batch - batch % teams_.count();
      teams_.run(0, whole, item);
      if (whole == batch) return;
      if (teams_.idle()) return together(whole);
      teams_.run(whole, batch, item, onednn::ItemTeams::Place::kFirst);
    });
  }

  void forwardMonteCarlo(Extent extent, int batch, int repeats, uint64_t seed, const float* input,
                         float* mean, float* deviation) override {
    requireBatch(batch);
    requireRepeats(repeats);
    guarded([&] {
      worker_.run([&] { monteCarlo(extent, batch, repeats, seed, input, mean, deviation); });
      noteWeights();
    });
  }

  std::vector<LayerTiming> profile(Extent extent, int batch, const float* input, float* output) override {
    requireBatch(batch);
    const std::vector<double> flops = layerFlops(*network_, extent);
    std::vector<LayerTiming> timings;
    for (size_t i = 0; i < flops.size(); ++i)
      timings.push_back({describeLayer(network_->layers[i]), "own", 0.0, flops[i] * batch});
    std::mutex adding;
    const auto timed = [&](Lane& lane, int count, const float* from, float* to, double share) {
      Plan& plan = lane.planFor(extent, count, false);
      Pass pass{lane.stream(), from, to};
      const std::vector<onednn::LayerNote> notes = plan.profile(pass, lane.arenas(), timings.size());
      const std::lock_guard lock(adding);
      for (size_t i = 0; i < notes.size(); ++i) {
        timings[i].seconds += notes[i].seconds * share;
        timings[i].follows = notes[i].follows;
        timings[i].arithmetic = notes[i].arithmetic;
        if (!notes[i].kernel.empty()) timings[i].kernel = notes[i].kernel;
      }
    };
    guarded([&] {
      if (oneByOne(flopsFrom(*network_, extent)) && batch >= teams_.count()) {
        const int64_t in = Shape{extent, network_->trained.c}.values();
        const int64_t out = outputValues(extent);
        // Teams work side by side: a second of each is a second of all.
        teams_.run(0, batch, [&](int team, int i) {
          timed(*lanes_[team], 1, input + i * in, output + i * out, 1.0 / teams_.count());
        });
      } else {
        worker_.run([&] { timed(wide_, batch, input, output, 1.0); });
      }
      noteWeights();
    });
    return timings;
  }

 private:
  void runItems(Lane& lane, Extent extent, int count, const float* input, float* output) {
    Plan& plan = lane.planFor(extent, count, false);
    Pass pass{lane.stream(), input, output};
    plan.run(pass, lane.arenas());
    noteWeights();
  }

  bool oneByOne(const std::vector<double>& flops) const {
    return teams_.count() > 0 && flops.front() >= kLeastItemFlops;
  }

  /// `flops`: what is left before each layer.
  void runItem(Lane& lane, Extent extent, const std::vector<double>& flops, const float* input,
               float* output) {
    Plan& plan = lane.planFor(extent, 1, false);
    noteWeights();
    Pass pass{lane.stream(), input, output};
    const size_t reached = plan.runUntil(pass, lane.arenas(), [&](size_t layer) {
      return flops[layer] >= kLeastSharedFlops && teams_.oneLeft();
    });
    if (reached == flops.size()) return;
    worker_.run([&] {
      Plan& rest = wide_.planFor(extent, 1, false);
      noteWeights();
      Pass onAll{wide_.stream(), input, output, nullptr, pass.bound};
      rest.resume(onAll, wide_.arenas(), reached, plan);
    });
  }

  /// After lone items, while nobody waits: the first full pass should not pay for plans and fresh memory.
  void prepareTeams(Extent extent) {
    {
      const std::lock_guard lock(preparing_);
      if (prepared_ == extent) return;
      prepared_ = extent;
    }
    teams_.post(teams_.count(), [this, extent](int team, int) {
      try {
        lanes_[team]->prepare(extent);
        noteWeights();
      } catch (...) {
        // Thrown again, to somebody who can be told, by the pass that needs it.
      }
    });
  }

  void noteWeights() {
    const std::lock_guard lock(shop_.building);
    weightBytes_ = weights_.bytes();
  }

  void monteCarlo(Extent extent, int batch, int repeats, uint64_t seed, const float* input, float* mean,
                  float* deviation) {
    Plan& plan = wide_.planFor(extent, batch, true);
    Moments moments(static_cast<size_t>(batch * outputValues(extent)));
    for (int r = 0; r < repeats; ++r) {
      const Draw draw{seed, static_cast<uint32_t>(r)};
      Pass pass{wide_.stream(), input, mean, &draw};
      if (r == 0) {
        plan.run(pass, wide_.arenas());
      } else {
        plan.runRandomPart(pass);
      }
      moments.add(mean);
    }
    moments.write(mean, deviation);
  }

  /// oneDNN's errors become ours.
  static void guarded(const std::function<void()>& work) {
    try {
      work();
    } catch (const dnnl::error& error) {
      if (error.status == dnnl_out_of_memory)
        throw OtfError(Code::kOutOfMemory, "oneDNN ran out of memory; use a smaller batch or tile");
      throw OtfError(Code::kEngineFailed, std::string("oneDNN: ") + error.what());
    } catch (const std::bad_alloc&) {
      throw OtfError(Code::kOutOfMemory,
                     "not enough memory for this batch and tile size; use a smaller batch or tile");
    }
  }

  std::shared_ptr<const Network> network_;
  EngineInfo info_;
  dnnl::engine engine_;
  onednn::WeightStore weights_;
  std::shared_ptr<const Calibration> calibration_;
  std::shared_ptr<RangeNotes> ranges_;
  onednn::LaneShop shop_;
  int threads_;
  Lane wide_;  // on worker_ only
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::atomic<int64_t> weightBytes_{0};
  std::mutex preparing_;
  std::optional<Extent> prepared_;
  WorkerThread worker_;
  onednn::ItemTeams teams_;  // last: its threads use the rest
};

}  // namespace

EngineDescription describeOnednn() {
  EngineDescription description{"onednn", onednn::libraryVersion(),  onednn::describeCpu(), true,
                                "",       {ComputeType::kFp32cFp32a}};
  if (onednn::hasBf16()) description.computeTypes.push_back(ComputeType::kBf16cFp32a);
  if (onednn::hasInt8()) description.computeTypes.push_back(ComputeType::kInt8cInt32a);
  return description;
}

std::unique_ptr<Engine> createOnednnEngine(std::shared_ptr<const Network> network,
                                           const EngineOptions& options) {
  return std::make_unique<OnednnEngine>(std::move(network), options);
}

}  // namespace otf
