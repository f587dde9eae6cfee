// Our own GPU execution as an Engine, over the library's entry (bridge.h).
#pragma once

#include <memory>

#include "engine/cuda/bridge.h"
#include "engine/engine.h"

namespace otf::host {

/// What libotf_cuda.so has here.
EngineDescription describeCuda();

/// Compute types that the device lacks run as FP32, FP16C_FP16A as FP16C_FP32A, which rounds less.
/// `mostItems`: at once on the device; 0: what is usual. Throws kEngineUnavailable, kOutOfMemory.
std::unique_ptr<Engine> openCuda(const OtfCudaApi& api, std::shared_ptr<const Network> network,
                                 const EngineOptions& options, int mostItems = 0);

/// Seconds of a pass over `items` items that are on the device already, of an engine that openCuda made.
double residentSeconds(Engine& engine, Extent extent, int items, int repeats);

}  // namespace otf::host
