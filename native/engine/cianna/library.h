// Finding and loading libotf_cianna.so, and what it can do on this machine.
#pragma once

#include <string>

#include "engine/cianna/bridge.h"
#include "engine/engine.h"

namespace otf::host {

/// Loads it: OTF_CIANNA_LIBRARY, else beside otf-engine. Throws kEngineUnavailable: why there is none.
const OtfCiannaApi& ciannaLibrary();

/// What a name stands for here.
struct CiannaChoice {
  std::string method;                     // "C_CUDA", "C_BLAS", "C_NAIV"
  std::string device;                     // the GPU's or CPU's name
  std::vector<ComputeType> computeTypes;  // effective ones with that method
};

/// "cianna" takes CUDA when compiled in and a device is there, else BLAS, else NAIV; "cianna:METHOD" that one
/// or none. Throws kEngineUnavailable with the reason.
CiannaChoice chooseCianna(const OtfCiannaApi& api, const std::string& name);

/// "V-1.0.0.0 Release build (07/2024), C_BLAS with OpenMP".
std::string ciannaVersion(const OtfCiannaApi& api, const std::string& method);

}  // namespace otf::host
