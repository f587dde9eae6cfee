// The least time a layer can take on a machine of given rates.
#pragma once

#include <vector>

#include "engine/roofline/rates.h"
#include "model/network.h"

namespace otf::roofline {

enum class Bound { kArithmetic, kCache, kMemory };
const char* boundName(Bound bound);

/// What a layer has to do for one item, whatever the way: each value of input, weights and output moved once.
struct LayerWork {
  double flops = 0;
  double input = 0, weights = 0, output = 0;  // bytes
  /// Input or output stay in the second-level cache however large they are: layers done in strips.
  bool nearInput = false, nearOutput = false;
  double bytes() const { return input + weights + output; }
};

struct LayerLimit {
  Bound bound = Bound::kArithmetic;
  double seconds = 0;
};

/// `valueBytes`: of weights and of what flows between layers. Input of the first and output of the last are float.
std::vector<LayerWork> layerWork(const Network& network, Extent extent, int valueBytes);

/// Of `batch` items, one by one. A layer that fits in `cache` bytes counts as moved there.
LayerLimit limitOf(const LayerWork& work, int batch, const Rates& rates, int64_t cache);

}  // namespace otf::roofline
