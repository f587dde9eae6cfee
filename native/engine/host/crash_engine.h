// Debug only (OTF_DEBUG_ENGINES=1): onednn that ends or hangs its process when an item tells it to, for the
// tests of what the service does about it.
#pragma once

#include <memory>

#include "engine/engine.h"

namespace otf::host {

/// The first input value of an item: 1e30 exit(3), 2e30 abort(), 3e30 sleep for ever, 4e30 a segmentation fault,
/// 5e30 an error inside the library.
std::unique_ptr<Engine> createCrashEngine(std::shared_ptr<const Network> network,
                                          const EngineOptions& options);

}  // namespace otf::host
