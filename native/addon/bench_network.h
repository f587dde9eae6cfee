// What the engine benchmarks share: the request, and the network it names.
#pragma once

#include <memory>
#include <string>

#include "addon/object.h"

namespace otf::addon {

struct BenchRequest {
  std::string model;  // a built-in architecture's name, or a network file
  int width = 0, height = 0, repeats = 0;
  EngineChoice engine;
};

/// JavaScript thread only. Throws kInvalidArgument.
BenchRequest readBenchRequest(const Fields& fields);

std::shared_ptr<const Network> loadBenchNetwork(const std::string& model);

}  // namespace otf::addon
