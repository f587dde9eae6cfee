// An engine beside the plain one, on networks drawn at random.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "engine/engine.h"

namespace otf::test {

using Opener = std::function<std::unique_ptr<Engine>(std::shared_ptr<const Network>, const EngineOptions&)>;

/// Checks AVG_MODEL on networks 1 to `networks`, and MC_MODEL on every third of them.
void compareWithPlain(uint32_t networks, const Opener& open);

}  // namespace otf::test
