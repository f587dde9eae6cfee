// The 18 networks written by CIANNA, with the outputs it gave: they decide.
#include <algorithm>
#include <cmath>

#include "engine/engine.h"
#include "engine/onednn/cpu.h"
#include "engine/registry/registry.h"
#include "engine/tests/cases.h"
#include "engine/tests/check.h"
#include "engine/tests/emulated_amx.h"

using namespace otf;
using test::Case;

TEST_CASE("conformance networks, FP32, at every batch size from 1 to 9") {
  const auto all = test::caseNames();
  REQUIRE(all.size() == 18);
  for (const std::string& name : all) {
    const Case c = test::loadCase(name);
    for (const char* which : {"reference", "onednn"}) {
      const auto engine = createEngine(which, c.network, c.options);
      REQUIRE(engine->outputValues(c.extent) == c.out);
      for (int batch = 1; batch <= 9; ++batch) {
        const int first = batch % c.items;
        const std::vector<float> x = c.inputs(batch, first);
        std::vector<float> y(static_cast<size_t>(batch * c.out));
        engine->forward(c.extent, batch, x.data(), y.data());
        for (int n = 0; n < batch; ++n) {
          CAPTURE(name);
          CAPTURE(which);
          CAPTURE(batch);
          CHECK(test::worst(y.data() + n * c.out, c.expected.data() + (first + n) % c.items * c.out, c.out,
                            2e-5, 2e-5) <= 1.0);
        }
      }
    }
  }
}

TEST_CASE("an item's answer does not depend on its neighbours, NaN and infinities included") {
  for (const std::string& name : test::caseNames()) {
    const Case c = test::loadCase(name);
    const auto engine = createEngine("onednn", c.network, c.options);
    std::vector<float> x = c.inputs(3, 0);
    std::vector<float> y(static_cast<size_t>(3 * c.out));
    engine->forward(c.extent, 3, x.data(), y.data());
    const std::vector<float> middle(y.begin() + c.out, y.begin() + 2 * c.out);
    std::fill(x.begin(), x.begin() + c.in, NAN);
    std::fill(x.begin() + 2 * c.in, x.end(), INFINITY);
    engine->forward(c.extent, 3, x.data(), y.data());
    CAPTURE(name);
    CHECK(std::equal(middle.begin(), middle.end(), y.begin() + c.out));
  }
}

namespace {

void checkBf16() {
  for (const std::string& name : test::caseNames()) {
    Case c = test::loadCase(name);
    c.options.computeType = ComputeType::kBf16cFp32a;
    const auto engine = createEngine("onednn", c.network, c.options);
    CHECK(engine->info().asked == ComputeType::kBf16cFp32a);
    REQUIRE(engine->info().effective == ComputeType::kBf16cFp32a);
    std::vector<float> y(c.expected.size());
    engine->forward(c.extent, c.items, c.input.data(), y.data());
    CAPTURE(name);
    CHECK(test::worstOfRange(y, c.expected) <= 2e-2);
  }
}

// Elsewhere the engine runs FP32, and says so: passing then would tell nothing of BF16.
#define NEEDS_BF16 \
  *doctest::skip(!onednn::hasBf16()) * doctest::description("needs a CPU with BF16 instructions")

}  // namespace

TEST_CASE("conformance networks, BF16, within 2e-2 of the output's range" NEEDS_BF16) { checkBf16(); }

TEST_CASE("and on AMX, with and without transforms" NEEDS_BF16) {
  for (const bool transforms : {false, true}) {
    CAPTURE(transforms);
    const test::AmxThere amx(transforms);
    checkBf16();
  }
}
