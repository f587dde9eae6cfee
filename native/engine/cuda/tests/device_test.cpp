// The engine cuda on a real GPU, in its own process. Without one its tests are reported as skipped, and why is printed.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <iostream>

#include "engine/process/remote_engine.h"
#include "engine/registry/registry.h"
#include "engine/tests/cases.h"
#include "engine/tests/check.h"
#include "error/error.h"
#include "model/architectures.h"

using namespace otf;

namespace {

const bool kEnvironment = [] {
  ::setenv("OTF_ENGINE_PROGRAM", OTF_TEST_ENGINE, 1);
  return true;
}();

const EngineDescription kCuda = [] {
  EngineDescription description = describeRemoteEngine("cuda");
  if (!description.available) std::cout << "SKIPPED cuda: " << description.reason << "\n";
  return description;
}();

}  // namespace

TEST_CASE("engines tell which GPU the engine cuda has, or why none, in one line") {
  const auto all = describeEngines();
  REQUIRE(all.size() == 4);
  CHECK(all[1].name == "cuda");
  CHECK(all[1].available == kCuda.available);
  if (all[1].available) {
    CHECK_FALSE(all[1].device.empty());
    return;
  }
  CHECK_FALSE(all[1].reason.empty());
  CHECK(all[1].reason.find('\n') == std::string::npos);
  CHECK_THROWS_WITH_AS(createEngine("cuda", std::make_shared<Network>(buildArchitecture("demo", 1)), {}),
                       doctest::Contains(all[1].reason.c_str()), OtfError);
}

TEST_CASE("cuda: conformance networks in every compute type of the GPU" * doctest::skip(!kCuda.available) *
          doctest::description("needs an NVIDIA GPU and a build with nvcc")) {
  for (const ComputeType type : kCuda.computeTypes) {
    for (const std::string& name : test::caseNames()) {
      test::Case c = test::loadCase(name);
      c.options.computeType = type;
      const auto engine = createEngine("cuda", c.network, c.options);
      REQUIRE(engine->info().effective == type);
      std::vector<float> y(c.expected.size(), NAN);
      engine->forward(c.extent, c.items, c.input.data(), y.data());
      CAPTURE(name);
      CAPTURE(computeTypeName(type));
      const conformance::Tolerance tolerance = conformance::toleranceOf(type);
      const double off = tolerance.ofRange
                             ? test::worstOfRange(y, c.expected)
                             : test::worst(y.data(), c.expected.data(), std::ssize(y), 2e-5, 2e-5);
      CHECK(off <= tolerance.most);
    }
  }
}
