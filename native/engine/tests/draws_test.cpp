// Draws beside the usual pass: parts in their places, the same whatever the batch.
#include <algorithm>
#include <memory>
#include <variant>
#include <vector>

#include "engine/draws/drawing_engine.h"
#include "engine/registry/registry.h"
#include "engine/tests/check.h"
#include "engine/tests/inputs.h"
#include "error/error.h"
#include "model/architectures.h"

using namespace otf;
using namespace otf::test;

TEST_CASE(
    "an item's output is that of the usual pass, then mean and deviation of its draws as they are "
    "activated") {
  const Extent extent{64, 64, 1};
  const int batch = 3, draws = 5;
  const uint64_t seed = 17;
  EngineOptions options = twoThreads();
  const auto usual = createEngine("onednn", demo(), options);
  options.rawOutput = true;
  const auto raw = createEngine("onednn", demo(), options);
  options.rawOutput = false;
  const MakeEngine make = [](const EngineOptions& below) { return createEngine("onednn", demo(), below); };
  const auto drawing = createDrawingEngine({draws, seed}, options, make);
  const int64_t values = usual->outputValues(extent), in = 64 * 64;
  const std::vector<float> x = ramp(batch * in, 4);
  std::vector<float> plain(static_cast<size_t>(batch * values)), all(plain.size() * kDrawnParts),
      mean(static_cast<size_t>(values)), deviation(mean.size()), alone(mean.size() * kDrawnParts);
  usual->forward(extent, batch, x.data(), plain.data());
  drawing->forward(extent, batch, x.data(), all.data());
  float largest = 0;
  for (int n = 0; n < batch; ++n) {
    const float* item = all.data() + n * kDrawnParts * values;
    CHECK(std::equal(item, item + values, plain.data() + n * values));
    raw->forwardMonteCarlo(extent, 1, draws, seed, x.data() + n * in, mean.data(), deviation.data());
    CHECK(std::equal(mean.begin(), mean.end(), item + values));
    CHECK(std::equal(deviation.begin(), deviation.end(), item + 2 * values));
    for (const float one : deviation) largest = std::max(largest, one);
  }
  CHECK(largest > 0);
  drawing->forward(extent, 1, x.data() + 2 * in, alone.data());
  CHECK(std::equal(alone.begin() + values, alone.end(), all.data() + 2 * kDrawnParts * values + values));
}

TEST_CASE("what could not differ is refused") {
  Network network = buildArchitecture("demo", 5);
  for (Layer& layer : network.layers) {
    if (auto* conv = std::get_if<ConvLayer>(&layer); conv != nullptr) conv->dropout = 0;
  }
  CHECK_FALSE(hasDropout(network));
  CHECK(hasDropout(*demo()));
  const auto of = [](std::shared_ptr<const Network> which) -> MakeEngine {
    return [which](const EngineOptions& below) { return createEngine("onednn", which, below); };
  };
  CHECK_THROWS_AS(createDrawingEngine({4, 1}, twoThreads(), of(std::make_shared<Network>(network))),
                  OtfError);
  CHECK_THROWS_AS(createDrawingEngine({1, 1}, twoThreads(), of(demo())), OtfError);
}
