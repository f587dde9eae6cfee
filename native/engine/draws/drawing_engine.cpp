#include "engine/draws/drawing_engine.h"

#include <algorithm>
#include <mutex>
#include <utility>
#include <variant>
#include <vector>

#include "engine/moments.h"
#include "engine/yolo_output.h"
#include "error/error.h"

namespace otf {
namespace {

// Source: CIANNA leaves lower rates out (native/model/network.h).
constexpr float kLeastRate = 0.01F;

class DrawingEngine final : public Engine {
 public:
  DrawingEngine(const Draws& draws, bool edges, std::unique_ptr<Engine> inner)
      : draws_(draws), edges_(edges), inner_(std::move(inner)) {
    requireRepeats(draws_.repeats);
    if (!hasDropout(network())) {
      throw OtfError(Code::kModelUnsupported,
                     "the network has no layer with dropout, so that Monte Carlo draws of it do not differ");
    }
  }

  const Network& network() const override { return inner_->network(); }
  const EngineInfo& info() const override { return inner_->info(); }
  int64_t memoryBytes() const override { return inner_->memoryBytes(); }

  void forward(Extent extent, int batch, const float* input, float* output) override {
    const std::lock_guard lock(mutex_);
    const LayerShape last = inferShapes(network(), extent).back();
    const int64_t in = Shape{extent, network().trained.c}.values(), out = last.shape.values();
    plain_.resize(static_cast<size_t>(batch * out));
    inner_->forward(extent, batch, input, plain_.data());
    for (int n = 0; n < batch; ++n) {
      float* item = output + n * kDrawnParts * out;
      std::copy_n(plain_.data() + n * out, out, item);
      if (edges_) toEdges(extent, last.shape.extent, item);
      inner_->forwardMonteCarlo(extent, 1, draws_.repeats, draws_.seed, input + n * in, item + out,
                                item + 2 * out);
    }
  }

  void forwardMonteCarlo(Extent, int, int, uint64_t, const float*, float*, float*) override {
    throw OtfError(Code::kInternal, "draws of draws were asked for");
  }

  std::vector<LayerTiming> profile(Extent extent, int batch, const float* input, float* output) override {
    return inner_->profile(extent, batch, input, output);
  }

 private:
  void toEdges(Extent tile, Extent grid, float* item) const {
    const YoloHead* head = network().yolo();
    if (head == nullptr) return;
    for (int box = 0; box < head->boxes; ++box) yoloEdges(*head, {tile, grid}, box, item);
  }

  const Draws draws_;
  const bool edges_;  // of the usual pass
  std::unique_ptr<Engine> inner_;
  std::mutex mutex_;
  std::vector<float> plain_;
};

}  // namespace

bool hasDropout(const Network& network) {
  const auto rate = [](const Layer& layer) {
    if (const auto* conv = std::get_if<ConvLayer>(&layer)) return conv->dropout;
    if (const auto* pool = std::get_if<PoolLayer>(&layer)) return pool->dropout;
    if (const auto* dense = std::get_if<DenseLayer>(&layer)) return dense->dropout;
    return 0.0F;
  };
  return std::any_of(network.layers.begin(), network.layers.end(),
                     [&](const Layer& layer) { return rate(layer) > kLeastRate; });
}

std::unique_ptr<Engine> createDrawingEngine(const Draws& draws, const EngineOptions& options,
                                            const MakeEngine& make) {
  EngineOptions below = options;
  below.rawOutput = true;
  return std::make_unique<DrawingEngine>(draws, !options.rawOutput, make(below));
}

}  // namespace otf
