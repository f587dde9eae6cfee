// The engines of this build, by name.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace otf {

/// All of them. Starts engine processes to ask about GPUs and CIANNA: some milliseconds, with a GPU some hundred. onednn
/// comes first.
std::vector<EngineDescription> describeEngines();
/// Those that run in this process: starts nothing.
std::vector<EngineDescription> describeLocalEngines();

/// "auto" becomes the user's CIANNA where it has CUDA and a device, else onednn; other names stay as they are.
std::string resolveEngine(std::string_view name);

/// `name`: "auto" (resolveEngine); "onednn" and "reference" run in this process; "cuda" and "cianna"
/// (CUDA where it can, else BLAS, else naive), "cianna:cuda", "cianna:blas", "cianna:naiv" in one of their own
/// (process/remote_engine.h). Throws kEngineUnavailable with the reason.
std::unique_ptr<Engine> createEngine(std::string_view name, std::shared_ptr<const Network> network,
                                     const EngineOptions& options);

}  // namespace otf
