// Which methods of the user's CIANNA can be tested here. Without one (CIANNA_ROOT) its tests are reported as skipped, and
// why is printed.
#pragma once

#include <cstdlib>
#include <iostream>

#include "engine/process/remote_engine.h"

namespace otf::test {

/// False, with the reason printed: this build or machine has none.
inline bool have(const char* name) {
  ::setenv("OTF_ENGINE_PROGRAM", OTF_TEST_ENGINE, 1);
  const EngineDescription description = describeRemoteEngine(name);
  if (!description.available) std::cout << "SKIPPED " << name << ": " << description.reason << "\n";
  return description.available;
}
inline const bool kBlas = have("cianna:blas");
inline const bool kNaiv = have("cianna:naiv");
inline const bool kCuda = have("cianna:cuda");

}  // namespace otf::test
