#include "engine/reference/reference_engine.h"

#include <algorithm>

#include "engine/dropout.h"
#include "engine/moments.h"
#include "engine/reference/layers.h"
#include "engine/yolo_output.h"
#include "error/error.h"
#include "timing/stopwatch.h"

namespace otf {
namespace {

using reference::Values;

struct Draw {
  uint64_t seed = 0, item = 0;
  uint32_t repeat = 0;
};

/// Stateless between calls, hence thread-safe without a lock.
class ReferenceEngine final : public Engine {
 public:
  ReferenceEngine(std::shared_ptr<const Network> network, const EngineOptions& options)
      : network_(std::move(network)), options_(options) {
    info_ = {"reference", "1", "cpu", options.computeType, ComputeType::kFp32cFp32a, 1};
  }

  const Network& network() const override { return *network_; }
  const EngineInfo& info() const override { return info_; }

  void forward(Extent extent, int batch, const float* input, float* output) override {
    const int64_t in = inputValues(extent);
    const int64_t out = outputValues(extent);
    for (int n = 0; n < batch; ++n) {
      const Values y = run(extent, input + n * in, nullptr);
      std::copy(y.begin(), y.end(), output + n * out);
    }
  }

  void forwardMonteCarlo(Extent extent, int batch, int repeats, uint64_t seed, const float* input,
                         float* mean, float* deviation) override {
    requireRepeats(repeats);
    const int64_t in = inputValues(extent);
    const int64_t out = outputValues(extent);
    for (int n = 0; n < batch; ++n) {
      Moments moments(static_cast<size_t>(out));
      for (int r = 0; r < repeats; ++r) {
        const Draw draw{seed, static_cast<uint64_t>(n), static_cast<uint32_t>(r)};
        moments.add(run(extent, input + n * in, &draw).data());
      }
      moments.write(mean + n * out, deviation + n * out);
    }
  }

  int64_t memoryBytes() const override {
    return network_->parameterCount() * static_cast<int64_t>(sizeof(float));
  }

  std::vector<LayerTiming> profile(Extent extent, int batch, const float* input, float* output) override {
    const Stopwatch watch;
    forward(extent, batch, input, output);
    return {{"whole network", "loops", watch.seconds(), networkFlops(*network_, extent) * batch}};
  }

 private:
  int64_t inputValues(Extent extent) const { return Shape{extent, network_->trained.c}.values(); }

  void drop(float rate, bool biasNode, uint32_t layer, const Draw* draw, Values& x) const {
    if (rate <= 0.01F) return;
    const size_t count = x.size() - (biasNode ? 1 : 0);
    if (draw == nullptr) {
      for (size_t i = 0; i < count; ++i) x[i] *= 1.0F - rate;
      return;
    }
    const DropoutMask mask(draw->seed, draw->item, draw->repeat, layer, rate);
    for (size_t i = 0; i < count; ++i) {
      if (!mask.keeps(i)) x[i] = 0.0F;
    }
  }

  Values run(Extent extent, const float* input, const Draw* draw) const {
    const std::vector<LayerShape> shapes = inferShapes(*network_, extent);
    LayerShape flow{{extent, network_->trained.c}, false};
    Values x(input, input + flow.shape.values());
    for (size_t i = 0; i < shapes.size(); ++i) {
      step(i, flow, shapes[i], draw, x);
      flow = shapes[i];
    }
    if (const YoloHead* head = network_->yolo(); head != nullptr) {
      finishYolo(*head, {extent, flow.shape.extent}, options_.rawOutput, 0, head->boxes, x.data());
    }
    return x;
  }

  void step(size_t i, const LayerShape& in, const LayerShape& out, const Draw* draw, Values& x) const {
    const auto index = static_cast<uint32_t>(i);
    const Layer& layer = network_->layers[i];
    if (const auto* conv = std::get_if<ConvLayer>(&layer); conv != nullptr) {
      if (in.flat) x.pop_back();
      x = reference::convolve(*conv, in.flat ? conv->trainedInput : in.shape, out.shape, x,
                              i == 0 ? options_.inputBias : conv->bias);
      drop(conv->dropout, false, index, draw, x);
      reference::activate(conv->activation, false, x);
    } else if (const auto* pool = std::get_if<PoolLayer>(&layer); pool != nullptr) {
      x = reference::pool(*pool, in.shape, out.shape, x);
      drop(pool->dropout, false, index, draw, x);
      reference::activate(pool->activation, false, x);
    } else if (const auto* dense = std::get_if<DenseLayer>(&layer); dense != nullptr) {
      if (!in.flat) x.push_back(i == 0 ? options_.inputBias : dense->bias);
      x = reference::dense(*dense, x);
      drop(dense->dropout, true, index, draw, x);
      reference::activate(dense->activation, true, x);
    } else if (const auto* norm = std::get_if<GroupNormLayer>(&layer); norm != nullptr) {
      x = reference::groupNorm(*norm, in.shape, x);  // and no activation: see GroupNormLayer
    } else {
      const auto& lrn = std::get<LrnLayer>(layer);
      x = reference::lrn(lrn, in.shape, x);
      reference::activate(lrn.activation, false, x);
    }
  }

  std::shared_ptr<const Network> network_;
  EngineOptions options_;
  EngineInfo info_;
};

}  // namespace

std::unique_ptr<Engine> createReferenceEngine(std::shared_ptr<const Network> network,
                                              const EngineOptions& options) {
  return std::make_unique<ReferenceEngine>(std::move(network), options);
}

}  // namespace otf
