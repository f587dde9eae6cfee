// The library's one entry (bridge.h).
#include <cstdio>
#include <new>
#include <span>

#include "engine/cuda/bridge.h"
#include "engine/cuda/run/runner.h"

struct OtfCudaNetwork {
  otf::cuda::Runner runner;
};

namespace {

using otf::Code;
using otf::OtfError;

void say(OtfCudaError* error, Code code, const char* text) {
  error->code = static_cast<int>(code);
  std::snprintf(error->text, sizeof error->text, "%s", text);
}

/// No exception leaves the library.
template <typename Work>
int guarded(OtfCudaError* error, Work work) {
  try {
    work();
    return 0;
  } catch (const OtfError& thrown) {
    say(error, thrown.code(), thrown.what());
  } catch (const std::bad_alloc&) {
    say(error, Code::kOutOfMemory,
        "not enough memory for this batch and tile size; use a smaller batch or tile");
  } catch (const std::exception& thrown) {
    say(error, Code::kEngineFailed, thrown.what());
  }
  return -1;
}

otf::Extent extentOf(const OtfCudaTile& tile) { return {tile.width, tile.height, tile.depth}; }

int describe(OtfCudaDevice* out, OtfCudaError* error) {
  return guarded(error, [&] {
    const otf::cuda::Device device = otf::cuda::openDevice();
    std::string types;
    for (const otf::ComputeType type : device.computeTypes)
      types += (types.empty() ? "" : " ") + std::string(otf::computeTypeName(type));
    std::snprintf(out->name, sizeof out->name, "%s", device.name.c_str());
    std::snprintf(out->version, sizeof out->version, "%s", device.version.c_str());
    std::snprintf(out->types, sizeof out->types, "%s", types.c_str());
  });
}

int open(const OtfCudaRequest* request, OtfCudaNetwork** network, OtfCudaError* error) {
  return guarded(error, [&] {
    const auto bytes = std::span(static_cast<const std::byte*>(request->network), request->bytes);
    const auto type = otf::parseComputeType(request->computeType);
    if (!type) throw OtfError(Code::kInvalidArgument, "no compute type of that name");
    const otf::cuda::RunnerOptions options{*type, request->inputBias, request->rawOutput != 0,
                                           request->mostItems};
    *network = new OtfCudaNetwork{
        {std::make_shared<otf::Network>(otf::parseNetwork(bytes)), options, otf::cuda::openDevice()}};
  });
}

int forward(OtfCudaNetwork* network, OtfCudaTile tile, int batch, const float* input, float* output,
            OtfCudaError* error) {
  return guarded(error, [&] { network->runner.forward(extentOf(tile), batch, input, output); });
}

int monteCarlo(OtfCudaNetwork* network, OtfCudaTile tile, int batch, int repeats, uint64_t seed,
               const float* input, float* mean, float* deviation, OtfCudaError* error) {
  return guarded(error, [&] {
    network->runner.monteCarlo(extentOf(tile), batch, repeats, seed, input, mean, deviation);
  });
}

int profile(OtfCudaNetwork* network, OtfCudaTile tile, int batch, const float* input, float* output,
            void (*visit)(void*, size_t, const char*, double), void* context, OtfCudaError* error) {
  return guarded(error, [&] {
    for (const auto& time : network->runner.profile(extentOf(tile), batch, input, output))
      visit(context, time.layer, time.kernel.c_str(), time.seconds);
  });
}

int resident(OtfCudaNetwork* network, OtfCudaTile tile, int items, int repeats, double* seconds,
             OtfCudaError* error) {
  return guarded(error, [&] { *seconds = network->runner.timeResident(extentOf(tile), items, repeats); });
}

int64_t memoryBytes(OtfCudaNetwork* network) { return network->runner.memoryBytes(); }

void close(OtfCudaNetwork* network) { delete network; }

}  // namespace

extern "C" __attribute__((visibility("default"))) const OtfCudaApi* otfCuda(void) {
  static const OtfCudaApi api{OTF_CUDA_ABI, describe, open,        forward, monteCarlo,
                              profile,      resident, memoryBytes, close};
  return &api;
}
