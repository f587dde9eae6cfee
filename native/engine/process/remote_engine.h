// An engine that lives in a process of its own (protocol.h),
// for libraries that may end or hang the process they are in.
#pragma once

#include <memory>
#include <string>

#include "engine/engine.h"

namespace otf {

/// `name`: any that otf-engine knows. The process is started by the first forward(), for that tile size and
/// batch, and replaced by another when a larger batch or another tile size comes. Throws kEngineUnavailable
/// with the reason. When the process dies, the call that found it dead throws kEngineFailed with its exit and
/// last words, and so does every later one: make a new engine.
std::unique_ptr<Engine> createRemoteEngine(std::string_view name, std::shared_ptr<const Network> network,
                                           const EngineOptions& options);

/// Asks an otf-engine what it has. Never throws: what goes wrong is the reason for not being available.
EngineDescription describeRemoteEngine(std::string_view name);

/// Figures of `bench cianna`, medians in seconds per batch of one run.
struct RemoteBench {
  EngineInfo info;
  double ownSeconds = 0;       // CIANNA's own loop over its layers, data in place
  double bridgeSeconds = 0;    // the same through the bridge: input from the slot, layers, output to the slot
  double overheadSeconds = 0;  // of the latter, what was not CIANNA's loop, call by call
  double remoteSeconds =
      0;                   // Engine::forward() in this process: copies to and from the slot, and the messages
  double copySeconds = 0;  // one plain copy of a batch's input and of its output
};
/// `name` as for createRemoteEngine, cianna only. Repeats >= 1. Throws as createRemoteEngine and forward() do.
RemoteBench benchRemoteEngine(std::string_view name, std::shared_ptr<const Network> network,
                              const EngineOptions& options, Extent extent, int batch, int repeats);

}  // namespace otf
