// otf-engine's arguments (process/protocol.h), checked.
#pragma once

#include <string>

#include "engine/draws/drawing_engine.h"
#include "engine/engine.h"

namespace otf::host {

struct Arguments {
  std::string describe;  // not empty: say what this engine has, and nothing else
  std::string network, engine;
  std::string calibration;                       // file, of INT8; empty: none
  std::string networkSha256, calibrationSha256;  // what the files must have; empty: whatever is there
  std::string cpus;                              // list of those it keeps to; empty: all
  EngineOptions options;
  Draws draws;  // no repeats: none
  Extent extent;
  int batch = 0, slots = 0;
  int64_t slotBytes = 0;
};

/// Throws kInvalidArgument naming the argument that is unknown, malformed or missing.
Arguments readArguments(int count, char** values);

}  // namespace otf::host
