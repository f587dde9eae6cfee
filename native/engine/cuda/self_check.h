// Wrong numbers without a word are the worst fault: before it serves, an engine on a GPU shows that it can count.
#pragma once

#include "engine/cuda/bridge.h"
#include "engine/engine.h"

namespace otf::host {

/// Runs a small network that needs every kind of product kernel, and compares with the plain engine. Some tens of
/// milliseconds. Throws kEngineUnavailable: this GPU computes something else in `type`.
void checkCuda(const OtfCudaApi& api, ComputeType type);

}  // namespace otf::host
