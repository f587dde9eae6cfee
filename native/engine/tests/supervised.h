// What the tests of engine processes share: a small network, and a process held as a supervisor holds it.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/process/protocol.h"
#include "engine/process/session.h"
#include "engine/tests/inputs.h"
#include "error/error.h"
#include "process/child.h"
#include "process/wire.h"
#include "tensor/slots.h"

namespace otf::test {

using process::Child;

/// The program of this build, with the engine that ends as it is told.
inline const bool kEnvironment = [] {
  ::setenv("OTF_ENGINE_PROGRAM", OTF_TEST_ENGINE, 1);
  ::setenv("OTF_DEBUG_ENGINES", "1", 1);
  return true;
}();

constexpr Extent kTile{32, 32, 1};
inline std::vector<float> tiles(int batch) { return ramp(int64_t{kTile.w} * kTile.h * batch); }

/// What a supervisor does by hand: a process on the demo network with two slots of batch 2.
struct Supervised {
  explicit Supervised(const std::string& engine)
      : network(demo()),
        layout(process::slotLayout(2, kTile.w * kTile.h, inferShapes(*network, kTile).back().shape.values())),
        slots(SharedSlots::create(layout.bytes, 2)),
        child([&] {
          Child::Spec spec = process::engineSpec();
          spec.descriptors = {{slots.fd(), process::kSharedFd}};
          spec.program.arguments = arguments(engine);
          return spec;
        }()) {}
  std::vector<std::string> arguments(const std::string& engine) const {
    return {"--network",      OTF_MODELS "/demo-continuum/weights.dat",
            "--engine",       engine,
            "--quantization", "FP32",
            "--threads",      "2",
            "--input-bias",   "0.1",
            "--width",        "32",
            "--height",       "32",
            "--batch",        "2",
            "--slots",        "2",
            "--slot-bytes",   std::to_string(slots.slotBytes())};
  }
  float* at(size_t slot, size_t offset) { return reinterpret_cast<float*>(slots.slot(slot) + offset); }
  std::string ask(const std::string& line) {
    child.send(line);
    return child.receive("being tested");
  }
  std::shared_ptr<const Network> network;
  process::SlotLayout layout;
  SharedSlots slots;
  Child child;
};

inline std::string messageOf(const std::function<void()>& work, Code code) {
  try {
    work();
  } catch (const OtfError& error) {
    CHECK(codeName(error.code()) == codeName(code));
    return error.what();
  }
  FAIL("no error was thrown");
  return "";
}

}  // namespace otf::test
