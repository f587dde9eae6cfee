// Memory that runs out, at any allocation of this program's own code, ends one call with an exception: not the program, not a
// thread, and not the engine, which computes afterwards as before.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include "engine/engine.h"
#include "engine/onednn/item_teams.h"
#include "engine/registry/registry.h"
#include "engine/tests/check.h"
#include "engine/tests/failing_allocations.h"
#include "engine/tests/inputs.h"
#include "error/error.h"
#include "model/architectures.h"
#include "tensor/recycled_buffer.h"

namespace {

using namespace otf;
using namespace otf::test;

/// Does the work, whose n-th allocation fails: was there one? Only what tells of that may be thrown.
template <typename Work>
bool failsAt(int64_t n, Work&& work, Later later = Later::kSucceed) {
  const FailingAllocation failing(n, later);
  try {
    work();
  } catch (const std::bad_alloc&) {
    return true;
  } catch (const OtfError& error) {
    if (error.code() != Code::kOutOfMemory) throw;
    return true;
  }
  return failing.failed();
}

/// Group norm, LRN, dropout's factor, first layers that may be run in strips.
std::shared_ptr<const Network> network() {
  auto made = std::make_shared<Network>(buildArchitecture("demo", 3));
  made->layers.insert(made->layers.begin() + 1, LrnLayer{});
  return made;
}

}  // namespace

TEST_CASE("an engine whose n-th allocation fails is not made, for all n, and the next one is") {
  const Extent extent{32, 32, 1};
  const auto made = network();
  const auto x = ramp(Shape{extent, 1}.values() * 3);
  for (const ComputeType type : {ComputeType::kFp32cFp32a, ComputeType::kBf16cFp32a}) {
    EngineOptions options = twoThreads();
    options.computeType = type;
    const auto right = createEngine("onednn", made, options);
    std::vector<float> expected(static_cast<size_t>(3 * right->outputValues(extent)));
    right->forward(extent, 3, x.data(), expected.data());
    int points = 0;
    for (int64_t n = 0; failsAt(n, [&] { createEngine("onednn", made, options); }); ++n) ++points;
    CHECK(points >= 10);
    MESSAGE(computeTypeName(type), ": ", points, " allocations until an engine is there");
    points = 0;
    std::vector<float> y(expected.size());
    for (int64_t n = 0;; ++n) {
      const auto engine = createEngine("onednn", made, options);
      const bool failed = failsAt(n, [&] { engine->forward(extent, 3, x.data(), y.data()); });
      std::fill(y.begin(), y.end(), 0.0F);
      engine->forward(extent, 3, x.data(), y.data());
      REQUIRE(y == expected);
      if (!failed) break;
      ++points;
    }
    CHECK(points > 20);
    MESSAGE(computeTypeName(type), ": ", points, " allocations in a first pass");
  }
}

TEST_CASE("teams that cannot all begin end those that have") {
  int points = 0;
  for (int64_t n = 0; failsAt(n, [] { const onednn::ItemTeams teams(5, 1); }); ++n) ++points;
  CHECK(points >= 5);
}

TEST_CASE("a buffer is given back though there is no memory for anything") {
  std::vector<std::unique_ptr<RecycledBuffer>> held;
  for (int i = 0; i < 20; ++i) held.push_back(std::make_unique<RecycledBuffer>(size_t{1000} << (i % 4)));
  failsAt(0, [&] { held.clear(); }, Later::kFail);
  CHECK(held.empty());
}
