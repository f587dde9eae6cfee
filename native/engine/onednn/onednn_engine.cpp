#include "engine/onednn/onednn_engine.h"

#include <atomic>
#include <cmath>
#include <list>

#include "engine/onednn/cpu.h"
#include "engine/onednn/plan.h"
#include "engine/onednn/worker_thread.h"
#include "error/error.h"

namespace otf {
namespace {

using onednn::Arenas;
using onednn::Draw;
using onednn::Pass;
using onednn::Plan;
using onednn::PlanSpec;

// Batch sizes and tile sizes met in one run are few: a full batch, a remainder, and the same for a second
// tile size.
constexpr size_t kMaxPlans = 8;

class OnednnEngine final : public Engine {
 public:
  OnednnEngine(std::shared_ptr<const Network> network, const EngineOptions& options)
      : network_(std::move(network)),
        options_(options),
        engine_(dnnl::engine::kind::cpu, 0),
        stream_(engine_),
        weights_(network_, options.inputBias, engine_),
        worker_(options.threads > 0 ? options.threads : onednn::availableCpus()) {
    info_.engine = "onednn";
    info_.version = onednn::libraryVersion();
    info_.device = onednn::cpuName();
    info_.asked = options.computeType;
    info_.effective = onednn::effectiveType(options.computeType);
    info_.threads = options.threads > 0 ? options.threads : onednn::availableCpus();
  }

  const Network& network() const override { return *network_; }
  const EngineInfo& info() const override { return info_; }
  int64_t memoryBytes() const override { return memoryBytes_; }

  void forward(Extent extent, int batch, const float* input, float* output) override {
    guarded([&] {
      Plan& plan = planFor(extent, batch, false);
      Pass pass{stream_, input, output};
      plan.run(pass, arenas_);
    });
  }

  void forwardMonteCarlo(Extent extent, int batch, int repeats, uint64_t seed, const float* input,
                         float* mean, float* deviation) override {
    if (repeats < 2)
      throw OtfError(Code::kInvalidArgument,
                     "MC_MODEL needs at least 2 repeats, got " + std::to_string(repeats));
    guarded([&] {
      Plan& plan = planFor(extent, batch, true);
      const int64_t values = batch * outputValues(extent);
      // Welford's update: one pass, no cancellation.
      std::vector<double> means(static_cast<size_t>(values), 0.0);
      std::vector<double> squares(static_cast<size_t>(values), 0.0);
      for (int r = 0; r < repeats; ++r) {
        const Draw draw{seed, static_cast<uint32_t>(r)};
        Pass pass{stream_, input, mean, &draw};
        if (r == 0) {
          plan.run(pass, arenas_);
        } else {
          plan.runRandomPart(pass);
        }
        for (size_t i = 0; i < means.size(); ++i) {
          const double distance = mean[i] - means[i];
          means[i] += distance / (r + 1);
          squares[i] += distance * (mean[i] - means[i]);
        }
      }
      for (size_t i = 0; i < means.size(); ++i) {
        mean[i] = static_cast<float>(means[i]);
        deviation[i] = static_cast<float>(std::sqrt(squares[i] / (repeats - 1)));
      }
    });
  }

  std::vector<LayerTiming> profile(Extent extent, int batch, const float* input, float* output) override {
    std::vector<LayerTiming> timings;
    guarded([&] {
      Plan& plan = planFor(extent, batch, false);
      Pass pass{stream_, input, output};
      std::vector<std::string> kernels;
      const std::vector<double> seconds = plan.profile(pass, arenas_, kernels, network_->layers.size());
      const std::vector<double> flops = layerFlops(*network_, extent);
      for (size_t i = 0; i < seconds.size(); ++i) {
        timings.push_back({describeLayer(network_->layers[i]), kernels[i].empty() ? "own" : kernels[i],
                           seconds[i], flops[i] * batch});
      }
    });
    return timings;
  }

 private:
  struct Cached {
    Extent extent;
    int batch;
    bool monteCarlo;
    std::unique_ptr<Plan> plan;
  };

  /// Runs on the engine's thread, one call at a time; oneDNN's errors become ours.
  void guarded(const std::function<void()>& work) {
    try {
      worker_.run(work);
    } catch (const dnnl::error& error) {
      if (error.status == dnnl_out_of_memory)
        throw OtfError(Code::kOutOfMemory, "oneDNN ran out of memory; use a smaller batch or tile");
      throw OtfError(Code::kEngineFailed, std::string("oneDNN: ") + error.what());
    } catch (const std::bad_alloc&) {
      throw OtfError(Code::kOutOfMemory,
                     "not enough memory for this batch and tile size; use a smaller batch or tile");
    }
  }

  Plan& planFor(Extent extent, int batch, bool monteCarlo) {
    if (batch < 1)
      throw OtfError(Code::kInvalidArgument, "batch size " + std::to_string(batch) + " is not positive");
    for (auto it = plans_.begin(); it != plans_.end(); ++it) {
      if (it->extent == extent && it->batch == batch && it->monteCarlo == monteCarlo) {
        plans_.splice(plans_.begin(), plans_, it);
        return *plans_.front().plan;
      }
    }
    const PlanSpec spec{extent, batch, monteCarlo, info_.effective == ComputeType::kBf16cFp32a,
                        options_.rawOutput};
    plans_.push_front(
        {extent, batch, monteCarlo, onednn::buildPlan(*network_, spec, weights_, engine_, stream_)});
    if (plans_.size() > kMaxPlans) plans_.pop_back();
    growArenas(*plans_.front().plan);
    return *plans_.front().plan;
  }

  void growArenas(const Plan& plan) {
    int64_t bytes = weights_.bytes();
    for (size_t i = 0; i < arenas_.size(); ++i) {
      const size_t need = plan.needs()[i];
      if (need > arenas_[i].bytes()) {
        arenas_[i] = Buffer();  // give back before asking for more
        arenas_[i] = Buffer(need);
      }
      bytes += static_cast<int64_t>(arenas_[i].bytes());
    }
    memoryBytes_ = bytes;
  }

  std::shared_ptr<const Network> network_;
  EngineOptions options_;
  EngineInfo info_;
  dnnl::engine engine_;
  dnnl::stream stream_;
  onednn::WeightStore weights_;
  Arenas arenas_;
  std::list<Cached> plans_;  // most recently used first
  std::atomic<int64_t> memoryBytes_{0};
  onednn::WorkerThread worker_;
};

}  // namespace

EngineDescription describeOnednn() {
  EngineDescription description{"onednn", onednn::libraryVersion(),  onednn::cpuName(), true,
                                "",       {ComputeType::kFp32cFp32a}};
  if (onednn::hasBf16()) description.computeTypes.push_back(ComputeType::kBf16cFp32a);
  return description;
}

std::unique_ptr<Engine> createOnednnEngine(std::shared_ptr<const Network> network,
                                           const EngineOptions& options) {
  return std::make_unique<OnednnEngine>(std::move(network), options);
}

}  // namespace otf
