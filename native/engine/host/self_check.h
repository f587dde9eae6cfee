// Wrong numbers without a word are the worst fault: before it serves, an engine on a GPU shows that it can count.
#pragma once

#include <functional>
#include <memory>

#include "engine/engine.h"

namespace otf::host {

using MakeEngine =
    std::function<std::unique_ptr<Engine>(std::shared_ptr<const Network>, const EngineOptions&)>;

/// Runs a small network that needs every kind of product kernel, and compares with the plain engine. Some tens of
/// milliseconds. Throws kEngineUnavailable: this device computes something else in `type`.
void checkNumbers(const MakeEngine& make, ComputeType type);

}  // namespace otf::host
