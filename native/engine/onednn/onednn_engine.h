// CIANNA networks on oneDNN: the default engine, for CPUs.
#pragma once

#include <memory>

#include "engine/engine.h"

namespace otf {

EngineDescription describeOnednn();
std::unique_ptr<Engine> createOnednnEngine(std::shared_ptr<const Network> network,
                                           const EngineOptions& options);

}  // namespace otf
