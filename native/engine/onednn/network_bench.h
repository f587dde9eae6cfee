// What the machine and oneDNN's layers alone can do: the yardsticks of `bench engine`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace otf {

/// The convolution and dense primitives of a network, each on the layouts it likes best, on data that is
/// already there: no reorders, no normalisation, no output. One thread at a time.
class BareLayers {
 public:
  virtual ~BareLayers() = default;
  /// Seconds per layer of one pass in network order; 0 for layers that are neither conv nor dense.
  virtual std::vector<double> run() = 0;
};
std::unique_ptr<BareLayers> createBareLayers(const std::shared_ptr<const Network>& network, Extent extent,
                                             int batch, ComputeType type, int threads);

/// FLOP/s of a square matrix multiplication in `type` (effective type of this CPU): the best of several.
double measureMatmulPeak(ComputeType type, int threads);

}  // namespace otf
