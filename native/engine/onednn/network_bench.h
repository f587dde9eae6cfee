// What oneDNN's layers alone can do: a yardstick of `bench engine`. What the machine can: roofline/rates.h.
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

}  // namespace otf
