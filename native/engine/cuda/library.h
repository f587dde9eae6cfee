// Finding and loading libotf_cuda.so.
#pragma once

#include "engine/cuda/bridge.h"
#include "engine/engine.h"

namespace otf::host {

/// Loads it: OTF_CUDA_LIBRARY, else beside otf-engine. Throws kEngineUnavailable: why there is none.
const OtfCudaApi& cudaLibrary();

}  // namespace otf::host
