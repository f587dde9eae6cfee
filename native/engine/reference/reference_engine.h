// The plain engine, for tests: slow, obvious, and right.
#pragma once

#include <memory>

#include "engine/engine.h"

namespace otf {

std::unique_ptr<Engine> createReferenceEngine(std::shared_ptr<const Network> network,
                                              const EngineOptions& options);

}  // namespace otf
