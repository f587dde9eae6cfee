// What tests on the emulated GPU share.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "engine/cuda/emulation/cuda.h"

namespace otf::test {

/// Before and after: each test answers for its own.
struct NoFaults {
  NoFaults() { emulation::takeFaults(); }
  ~NoFaults() {
    const auto faults = emulation::takeFaults();
    for (const std::string& each : faults) MESSAGE(each);
    CHECK(faults.empty());
  }
};

}  // namespace otf::test
