// The conformance networks as test cases: CIANNA's own networks, inputs and outputs.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "tensor/npy.h"

namespace otf::test {

inline const std::filesystem::path kNetworks = std::filesystem::path(OTF_FIXTURES) / "networks";

struct Case {
  std::string name;
  std::shared_ptr<const Network> network;
  Extent extent;
  int items = 0;
  int64_t in = 0, out = 0;
  std::vector<float> input, expected;
  EngineOptions options;

  /// `batch` items, the case's own over and over, starting with item `first`.
  std::vector<float> inputs(int batch, int first) const {
    std::vector<float> x;
    for (int n = 0; n < batch; ++n) {
      const float* item = input.data() + (first + n) % items * in;
      x.insert(x.end(), item, item + in);
    }
    return x;
  }
};

inline Case loadCase(const std::string& name) {
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

inline std::vector<std::string> caseNames() {
  std::vector<std::string> list;
  for (const auto& entry : std::filesystem::directory_iterator(kNetworks)) {
    if (entry.path().extension() == ".dat") list.push_back(entry.path().stem().string());
  }
  std::sort(list.begin(), list.end());
  return list;
}

}  // namespace otf::test
