// Published architectures with random weights:
// for benchmarks and tests, where the weights do not matter but the work does.
#pragma once

#include <string_view>
#include <vector>

#include "model/network.h"

namespace otf {

/// "sdc1": the detector of Cornu et al. 2024 (A&A 690, A211) for the SKA Data Challenge 1, 17 convolutions,
/// 512x512 tiles. "demo": the architecture of the shipped demo model. Weights are He-normal from `seed`.
/// Throws kInvalidArgument for another name, listing these.
Network buildArchitecture(std::string_view name, uint64_t seed);
std::vector<std::string_view> architectureNames();

/// Fill conv and dense weights with He-normal values (bias weights small). Deterministic on every platform.
void randomiseWeights(Network& network, uint64_t seed);

}  // namespace otf
