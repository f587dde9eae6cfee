// The 18 networks written by CIANNA, with the outputs it gave: they decide.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "engine/engine.h"
#include "engine/tests/check.h"
#include "tensor/npy.h"

namespace fs = std::filesystem;
using namespace otf;

namespace {

const fs::path kNetworks = fs::path(OTF_FIXTURES) / "networks";

struct Case {
  std::string name;
  std::shared_ptr<const Network> network;
  Extent extent;
  int items;
  int64_t in, out;
  std::vector<float> input, expected;
  EngineOptions options;
};

Case load(const std::string& name) {
  const NpyArray input((kNetworks / (name + ".input.npy")).string());
  const NpyArray output((kNetworks / (name + ".output.npy")).string());
  const auto& s = input.shape();
  REQUIRE(s.size() == 5);
  Case c;
  c.name = name;
  c.network = std::make_shared<Network>(readNetwork(kNetworks / (name + ".dat")));
  c.extent = {static_cast<int>(s[4]), static_cast<int>(s[3]), static_cast<int>(s[2])};
  c.items = static_cast<int>(s[0]);
  c.in = input.count() / c.items;
  c.out = output.count() / c.items;
  c.input.assign(input.data(), input.data() + input.count());
  c.expected.assign(output.data(), output.data() + output.count());
  std::ifstream json(kNetworks / (name + ".json"));
  const std::string text((std::istreambuf_iterator<char>(json)), {});
  c.options.rawOutput = text.find("\"raw_output\": 1") != std::string::npos;
  CHECK(text.find("\"input_bias\": 0.1") != std::string::npos);
  c.options.threads = 2;
  return c;
}

std::vector<std::string> names() {
  std::vector<std::string> list;
  for (const auto& entry : fs::directory_iterator(kNetworks)) {
    if (entry.path().extension() == ".dat") list.push_back(entry.path().stem().string());
  }
  std::sort(list.begin(), list.end());
  return list;
}

/// `batch` items, the case's own over and over, starting with item `first`.
std::vector<float> inputs(const Case& c, int batch, int first) {
  std::vector<float> x;
  for (int n = 0; n < batch; ++n) {
    const float* item = c.input.data() + (first + n) % c.items * c.in;
    x.insert(x.end(), item, item + c.in);
  }
  return x;
}

}  // namespace

TEST_CASE("conformance networks, FP32, at every batch size from 1 to 9") {
  const auto all = names();
  REQUIRE(all.size() == 18);
  for (const std::string& name : all) {
    const Case c = load(name);
    for (const char* which : {"reference", "onednn"}) {
      const auto engine = createEngine(which, c.network, c.options);
      REQUIRE(engine->outputValues(c.extent) == c.out);
      for (int batch = 1; batch <= 9; ++batch) {
        const int first = batch % c.items;
        const std::vector<float> x = inputs(c, batch, first);
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
  for (const std::string& name : names()) {
    const Case c = load(name);
    const auto engine = createEngine("onednn", c.network, c.options);
    std::vector<float> x = inputs(c, 3, 0);
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

TEST_CASE("conformance networks, BF16, within 2e-2 of the output's range") {
  for (const std::string& name : names()) {
    Case c = load(name);
    c.options.computeType = ComputeType::kBf16cFp32a;
    const auto engine = createEngine("onednn", c.network, c.options);
    CHECK(engine->info().asked == ComputeType::kBf16cFp32a);
    if (engine->info().effective != ComputeType::kBf16cFp32a) {
      MESSAGE("this CPU has no BF16 instructions: ran in " << computeTypeName(engine->info().effective));
    }
    std::vector<float> y(c.expected.size());
    engine->forward(c.extent, c.items, c.input.data(), y.data());
    CAPTURE(name);
    CHECK(test::worstOfRange(y, c.expected) <= 2e-2);
  }
}
