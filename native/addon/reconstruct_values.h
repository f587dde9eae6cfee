// What a reconstruction found, as JavaScript gets it.
#pragma once

#include <napi.h>

#include <string>
#include <vector>

#include "reconstruct/reconstruction_task.h"

namespace otf::addon {

/// FoundReconstruction of addon-reconstruct.ts.
Napi::Object reconstructionValues(Napi::Env env, const ReconstructionTask& task,
                                  const std::vector<std::string>& modelWarnings);

}  // namespace otf::addon
