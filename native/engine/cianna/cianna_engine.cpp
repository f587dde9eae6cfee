#include "engine/cianna/cianna_engine.h"

#include <algorithm>
#include <array>
#include <climits>
#include <cstdio>

#include "engine/cianna/library.h"
#include "engine/moments.h"
#include "engine/threads/worker_thread.h"
#include "error/error.h"
#include "model/network_memory.h"
#include "timing/stopwatch.h"

namespace otf::host {
namespace {

[[noreturn]] void unsupported(size_t layer, const std::string& why) {
  throw OtfError(Code::kModelUnsupported,
                 "CIANNA cannot run layer " + std::to_string(layer + 1) + ": " + why);
}

const Activation& activationOf(const Layer& layer) {
  return std::visit([](const auto& l) -> const Activation& { return l.activation; }, layer);
}

/// While loading it prints every activation with two decimals into 40 bytes.
bool fitsItsBuffer(const Activation& a) {
  const bool relu = a.kind == ActivationKind::kRelu;
  if (!relu && a.kind != ActivationKind::kLogistic) return true;
  return std::snprintf(nullptr, 0, "RELU_S%0.2f_L%0.2f", static_cast<double>(a.saturation),
                       static_cast<double>(relu ? a.leak : a.beta)) < 40;
}

/// Networks on which CIANNA reads or writes outside its tables instead of refusing. What it refuses is left to it.
void checkSafe(const OtfCiannaApi& api, const Network& network, Extent extent, int batch) {
  const auto most = static_cast<size_t>(api.build->maxLayers);
  if (network.layers.size() > most)
    unsupported(most, "it was compiled for at most " + std::to_string(most) + " layers (MAX_LAYERS_NB)");
  const std::vector<LayerShape> shapes = inferShapes(network, extent);
  Shape in{extent, network.trained.c};
  const auto checkIndex = [&](size_t i, int64_t perItem) {
    if (perItem <= INT_MAX / batch) return;
    const int64_t fits = INT_MAX / perItem;
    throw OtfError(
        Code::kShapeMismatch,
        "CIANNA counts with 32 bits and layer " + std::to_string(i + 1) + " needs more for a batch of " +
            std::to_string(batch) + " tiles of this size" +
            (fits > 0 ? "; use a batch of at most " + std::to_string(fits) : "; use a smaller tile"));
  };
  checkIndex(0, in.values() + 1);
  for (size_t i = 0; i < shapes.size(); ++i) {
    const Shape& out = shapes[i].shape;
    checkIndex(i, out.values());
    if (!fitsItsBuffer(activationOf(network.layers[i])))
      unsupported(i, "the numbers of its activation are too long");
    if (const auto* conv = std::get_if<ConvLayer>(&network.layers[i]); conv != nullptr) {
      // im2col: one row of filter values per output position; CUDA pads rows by up to 8.
      checkIndex(i, out.values() / out.c * (conv->weightsPerFilter() + 8));
    } else if (const auto* norm = std::get_if<GroupNormLayer>(&network.layers[i]); norm != nullptr) {
      if (in.c % norm->groupSize != 0) {
        unsupported(i, "its group norm reads past the last channel when groups of " +
                           std::to_string(norm->groupSize) + " do not divide " + std::to_string(in.c) +
                           " channels");
      }
    } else if (std::holds_alternative<PoolLayer>(network.layers[i]) && i == 0 && in.c > 1) {
      unsupported(i, "pooling an input of several channels, it takes the bias column for pixels");
    }
    in = out;
  }
}

}  // namespace

EngineDescription describeCianna(const std::string& name, std::string& origin) {
  EngineDescription description;
  description.name = name;
  try {
    const OtfCiannaApi& api = ciannaLibrary();
    origin = std::string(api.build->root) + " (" + api.build->methods + ")";
    const CiannaChoice choice = chooseCianna(api, name);
    description.version = ciannaVersion(api, choice.method);
    description.device = choice.device;
    description.computeTypes = choice.computeTypes;
    description.available = true;
  } catch (const OtfError& error) {
    description.reason = error.what();
  }
  return description;
}

CiannaEngine::CiannaEngine(const OtfCiannaApi& api, std::shared_ptr<const Network> network, EngineInfo info,
                           Extent extent, int batch, const OtfCiannaOpened& opened)
    : api_(api),
      network_(std::move(network)),
      info_(std::move(info)),
      extent_(extent),
      batch_(batch),
      opened_(opened) {}

CiannaEngine::~CiannaEngine() { api_.close(); }

void CiannaEngine::check(Extent extent, int batch) const {
  if (batch < 1 || batch > batch_)
    throw OtfError(Code::kInvalidArgument,
                   std::to_string(batch) + " items, opened for 1 to " + std::to_string(batch_));
  if (extent != extent_) throw OtfError(Code::kShapeMismatch, "CIANNA was opened for another tile size");
}

void CiannaEngine::forward(Extent extent, int batch, const float* input, float* output) {
  check(extent, batch);
  api_.run(batch, input, output);
}

void CiannaEngine::forwardMonteCarlo(Extent extent, int batch, int repeats, uint64_t seed, const float* input,
                                     float* mean, float* deviation) {
  check(extent, batch);
  requireRepeats(repeats);
  const auto values = static_cast<size_t>(batch * opened_.valuesOut);
  if (opened_.firstRandomLayer < 0) {
    api_.run(batch, input, mean);
    std::fill_n(deviation, values, 0.0F);
    return;
  }
  Moments moments(values);
  api_.setDropout(1, seed);
  for (int r = 0; r < repeats; ++r) {
    if (r == 0) {
      api_.run(batch, input, mean);
    } else {
      api_.rerun(batch, mean);
    }
    moments.add(mean);
  }
  api_.setDropout(0, 0);
  moments.write(mean, deviation);
}

std::vector<LayerTiming> CiannaEngine::profile(Extent extent, int batch, const float* input, float* output) {
  const Stopwatch watch;
  forward(extent, batch, input, output);
  const double seconds = watch.seconds();
  return {{"whole network", info_.version, seconds, networkFlops(*network_, extent) * batch}};
}

std::unique_ptr<CiannaEngine> openCianna(const std::string& name, std::shared_ptr<const Network> network,
                                         const EngineOptions& options, Extent extent, int batch) {
  const OtfCiannaApi& api = ciannaLibrary();
  const CiannaChoice choice = chooseCianna(api, name);
  checkSafe(api, *network, extent, batch);
  EngineInfo info;
  info.engine = "cianna";
  info.version = ciannaVersion(api, choice.method);
  info.device = choice.device;
  info.asked = options.computeType;
  info.effective = effectiveType(choice.computeTypes, options.computeType);
  info.threads = threadsFor(options.threads);

  // CIANNA opens its file for writing too: it gets one of its own, in memory.
  const NetworkMemory copy(*network);
  const std::string file = copy.path();
  OtfCiannaRequest request{};
  request.file = file.c_str();
  request.width = extent.w;
  request.height = extent.h;
  request.depth = extent.d;
  request.channels = network->trained.c;
  request.batch = batch;
  request.method = choice.method.c_str();
  const std::string type(computeTypeName(info.effective));
  request.computeType = type.c_str();
  request.inputBias = options.inputBias;
  request.rawOutput = options.rawOutput ? 1 : 0;
  request.threads = info.threads;
  OtfCiannaOpened opened{};
  std::array<char, 256> error{};
  if (api.open(&request, &opened, error.data(), error.size()) != 0)
    throw OtfError(Code::kEngineFailed, std::string("CIANNA: ") + error.data());
  const int64_t expected = inferShapes(*network, extent).back().shape.values();
  if (opened.valuesIn != Shape{extent, network->trained.c}.values() || opened.valuesOut != expected) {
    throw OtfError(Code::kModelUnsupported, "CIANNA gives this network " + std::to_string(opened.valuesOut) +
                                                " output values per item, its file says " +
                                                std::to_string(expected));
  }
  return std::make_unique<CiannaEngine>(api, std::move(network), std::move(info), extent, batch, opened);
}

}  // namespace otf::host
