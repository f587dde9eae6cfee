#include "engine/cuda/cuda_engine.h"

#include <sstream>

#include "engine/cuda/library.h"
#include "engine/moments.h"
#include "error/error.h"

namespace otf::host {
namespace {

EngineDescription descriptionOf(const OtfCudaApi& api) {
  OtfCudaDevice device{};
  OtfCudaError error{};
  if (api.describe(&device, &error) != 0) throw OtfError(static_cast<Code>(error.code), error.text);
  EngineDescription description;
  description.name = "cuda";
  description.version = device.version;
  description.device = device.name;
  std::istringstream words(device.types);
  for (std::string name; words >> name;)
    if (const auto type = parseComputeType(name)) description.computeTypes.push_back(*type);
  description.available = true;
  return description;
}

class CudaEngine final : public Engine {
 public:
  CudaEngine(const OtfCudaApi& api, std::shared_ptr<const Network> network, const EngineOptions& options,
             int mostItems)
      : api_(api), network_(std::move(network)) {
    const EngineDescription description = descriptionOf(api);
    info_.engine = description.name;
    info_.version = description.version;
    info_.device = description.device;
    info_.asked = options.computeType;
    info_.effective = effectiveType(description.computeTypes, options.computeType);
    const std::vector<std::byte> file = writeNetwork(*network_);
    const std::string type(computeTypeName(info_.effective));
    const OtfCudaRequest request{file.data(),       file.size(),       type.c_str(),
                                 options.inputBias, options.rawOutput, mostItems};
    guarded([&](OtfCudaError* error) { return api_.open(&request, &opened_, error); });
  }
  ~CudaEngine() override { api_.close(opened_); }

  const Network& network() const override { return *network_; }
  const EngineInfo& info() const override { return info_; }
  /// Of the next batch the tiles are copied while this one is computed.
  int passesAtOnce() const override { return 2; }
  int64_t memoryBytes() const override { return api_.memoryBytes(opened_); }

  void forward(Extent extent, int batch, const float* input, float* output) override {
    requireBatch(batch);
    guarded([&](OtfCudaError* error) {
      return api_.forward(opened_, tileOf(extent), batch, input, output, error);
    });
  }

  void forwardMonteCarlo(Extent extent, int batch, int repeats, uint64_t seed, const float* input,
                         float* mean, float* deviation) override {
    requireBatch(batch);
    requireRepeats(repeats);
    guarded([&](OtfCudaError* error) {
      return api_.monteCarlo(opened_, tileOf(extent), batch, repeats, seed, input, mean, deviation, error);
    });
  }

  std::vector<LayerTiming> profile(Extent extent, int batch, const float* input, float* output) override {
    requireBatch(batch);
    const std::vector<double> flops = layerFlops(*network_, extent);
    std::vector<LayerTiming> timings;
    for (size_t i = 0; i < flops.size(); ++i)
      timings.push_back({describeLayer(network_->layers[i]), "", 0, flops[i] * batch});
    const auto visit = [](void* context, size_t layer, const char* kernel, double seconds) {
      LayerTiming& timing = (*static_cast<std::vector<LayerTiming>*>(context))[layer];
      timing.kernel += (timing.kernel.empty() ? "" : ", ") + std::string(kernel);
      timing.seconds += seconds;
    };
    guarded([&](OtfCudaError* error) {
      return api_.profile(opened_, tileOf(extent), batch, input, output, visit, &timings, error);
    });
    return timings;
  }

  double resident(Extent extent, int items, int repeats) {
    double seconds = 0;
    guarded([&](OtfCudaError* error) {
      return api_.resident(opened_, tileOf(extent), items, repeats, &seconds, error);
    });
    return seconds;
  }

 private:
  static OtfCudaTile tileOf(const Extent& extent) { return {extent.w, extent.h, extent.d}; }

  template <typename Call>
  static void guarded(Call call) {
    OtfCudaError error{};
    if (call(&error) != 0) throw OtfError(static_cast<Code>(error.code), error.text);
  }

  const OtfCudaApi& api_;
  std::shared_ptr<const Network> network_;
  EngineInfo info_;
  OtfCudaNetwork* opened_ = nullptr;
};

}  // namespace

EngineDescription describeCuda() {
  try {
    return descriptionOf(cudaLibrary());
  } catch (const OtfError& error) {
    EngineDescription description;
    description.name = "cuda";
    description.reason = error.what();
    return description;
  }
}

double residentSeconds(Engine& engine, Extent extent, int items, int repeats) {
  return dynamic_cast<CudaEngine&>(engine).resident(extent, items, repeats);
}

std::unique_ptr<Engine> openCuda(const OtfCudaApi& api, std::shared_ptr<const Network> network,
                                 const EngineOptions& options, int mostItems) {
  return std::make_unique<CudaEngine>(api, std::move(network), options, mostItems);
}

}  // namespace otf::host
