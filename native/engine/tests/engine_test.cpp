// What an Engine promises beyond its numbers: sizes, threads, MC_MODEL, errors.
#include "engine/engine.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <future>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

#include "engine/moments.h"
#include "engine/onednn/network_bench.h"
#include "engine/registry/registry.h"
#include "engine/tests/check.h"
#include "engine/tests/inputs.h"
#include "error/error.h"
#include "model/architectures.h"

using namespace otf;
using namespace otf::test;

namespace {

std::vector<float> tile(Extent extent, int batch, int seed) {
  return ramp(Shape{extent, 1}.values() * batch, seed);
}

}  // namespace

TEST_CASE("what an engine computes in is what was asked for, the nearest it has, or FP32") {
  using enum ComputeType;
  const std::vector<ComputeType> gpu{kFp32cFp32a, kTf32cFp32a, kFp16cFp32a};
  CHECK(effectiveType(gpu, kTf32cFp32a) == kTf32cFp32a);
  CHECK(effectiveType(gpu, kFp16cFp16a) == kFp16cFp32a);
  CHECK(effectiveType(gpu, kBf16cFp32a) == kFp32cFp32a);
  CHECK(effectiveType({kFp32cFp32a}, kFp16cFp16a) == kFp32cFp32a);
  CHECK(effectiveType({kFp32cFp32a, kFp16cFp32a, kFp16cFp16a}, kFp16cFp16a) == kFp16cFp16a);
}

TEST_CASE("compute types have CIANNA's names, brief forms are understood, and swaps are reported") {
  CHECK(computeTypeName(ComputeType::kBf16cFp32a) == "BF16C_FP32A");
  CHECK(parseComputeType("bf16") == ComputeType::kBf16cFp32a);
  CHECK(parseComputeType("TF32C_FP32A") == ComputeType::kTf32cFp32a);
  CHECK_FALSE(parseComputeType("").has_value());
  CHECK(parseComputeType("int8") == ComputeType::kInt8cInt32a);
  CHECK(computeTypeName(ComputeType::kInt8cInt32a) == "INT8C_INT32A");
  CHECK_FALSE(parseComputeType("INT4").has_value());
  EngineOptions options = twoThreads();
  options.computeType = ComputeType::kFp16cFp32a;
  const auto engine = createEngine("onednn", demo(), options);
  CHECK(engine->info().asked == ComputeType::kFp16cFp32a);
  CHECK(engine->info().effective == ComputeType::kFp32cFp32a);
}

TEST_CASE("a fully convolutional network runs at any size, one engine for all of them") {
  const auto network = demo();
  const auto fast = createEngine("onednn", network, twoThreads());
  const auto plain = createEngine("reference", network, twoThreads());
  for (const Extent extent : {Extent{64, 64, 1}, Extent{48, 80, 1}, Extent{17, 33, 1}, Extent{64, 64, 1}}) {
    CAPTURE(extent.w);
    const auto x = tile(extent, 2, 1);
    std::vector<float> a(static_cast<size_t>(2 * fast->outputValues(extent)));
    std::vector<float> b(a.size());
    fast->forward(extent, 2, x.data(), a.data());
    plain->forward(extent, 2, x.data(), b.data());
    CHECK(test::worst(a.data(), b.data(), std::ssize(a), 1e-4, 1e-4) <= 1.0);
  }
  CHECK_THROWS_AS(fast->outputValues({1, 1, 1}), OtfError);
  CHECK(fast->memoryBytes() > network->parameterCount() * 4);
}

TEST_CASE("several engines in one process, called from many threads, give what one gives alone") {
  const Extent extent{64, 64, 1};
  const auto first = std::make_shared<Network>(buildArchitecture("demo", 1));
  const auto second = std::make_shared<Network>(buildArchitecture("demo", 2));
  const std::shared_ptr<Engine> engines[] = {createEngine("onednn", first, twoThreads()),
                                             createEngine("onednn", second, twoThreads())};
  const auto values = static_cast<size_t>(engines[0]->outputValues(extent));
  std::vector<std::vector<float>> alone;
  for (int e = 0; e < 2; ++e) {
    alone.emplace_back(values * 3);
    const auto x = tile(extent, 3, e);
    engines[e]->forward(extent, 3, x.data(), alone.back().data());
  }
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5; ++i) {
        const auto e = static_cast<size_t>((t + i) % 2);
        const auto x = tile(extent, 3, static_cast<int>(e));
        std::vector<float> y(values * 3);
        engines[e]->forward(extent, 3, x.data(), y.data());
        if (y != alone[e]) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("mean and deviation of repeats are those of two passes over them, far from zero, too") {
  constexpr size_t kValues = 3;
  const float repeats[][kValues] = {
      {1.0F, -2.5F, 100000.0F}, {2.0F, -2.5F, 100000.5F}, {4.0F, -2.5F, 99999.0F}, {-3.0F, -2.5F, 100001.0F}};
  Moments moments(kValues);
  for (const auto& outputs : repeats) moments.add(outputs);
  float mean[kValues];
  float deviation[kValues];
  moments.write(mean, deviation);
  for (size_t i = 0; i < kValues; ++i) {
    double sum = 0;
    for (const auto& outputs : repeats) sum += outputs[i];
    const double average = sum / std::size(repeats);
    double squares = 0;
    for (const auto& outputs : repeats) squares += (outputs[i] - average) * (outputs[i] - average);
    CHECK(mean[i] == static_cast<float>(average));
    CHECK(deviation[i] == doctest::Approx(std::sqrt(squares / (std::size(repeats) - 1))).epsilon(1e-6));
  }
  CHECK(deviation[1] == 0.0F);
  CHECK_THROWS_AS(requireRepeats(1), OtfError);
  CHECK_NOTHROW(requireRepeats(2));
}

TEST_CASE(
    "MC_MODEL: same seed same answer, in any batch; the mean nears AVG_MODEL's when the last layers are "
    "linear") {
  Network network = buildArchitecture("demo", 5);
  network.layers.pop_back();  // ends with the 1x1x256 dropout layer
  std::get<ConvLayer>(network.layers.back()).activation.kind = ActivationKind::kLinear;
  const auto shared = std::make_shared<Network>(network);
  const auto engine = createEngine("onednn", shared, twoThreads());
  const Extent extent{32, 32, 1};
  const auto values = engine->outputValues(extent);
  const auto x = tile(extent, 3, 1);
  std::vector<float> mean(static_cast<size_t>(3 * values)), deviation(mean.size()), again(mean.size()),
      unused(mean.size()), average(mean.size());
  engine->forwardMonteCarlo(extent, 3, 400, 11, x.data(), mean.data(), deviation.data());
  engine->forwardMonteCarlo(extent, 3, 400, 11, x.data(), again.data(), unused.data());
  CHECK(mean == again);
  // Item 1 of seed 11 is item 0 of seed 12.
  engine->forwardMonteCarlo(extent, 1, 400, 12, x.data() + 32 * 32, again.data(), unused.data());
  CHECK(test::worst(again.data(), mean.data() + values, values, 1e-5, 1e-5) <= 1.0);
  engine->forward(extent, 3, x.data(), average.data());
  double excess = 0;
  for (size_t i = 0; i < mean.size(); ++i) {
    // A dropped value is 0 or x: standard error deviation/20, and 6 of them are never met in a fixed draw.
    excess =
        std::max(excess, std::fabs(static_cast<double>(mean[i]) - average[i]) / (deviation[i] / 20.0 + 1e-6));
  }
  CHECK(excess < 6.0);
  CHECK(*std::max_element(deviation.begin(), deviation.end()) > 0.0F);
  CHECK_THROWS_AS(engine->forwardMonteCarlo(extent, 1, 1, 1, x.data(), mean.data(), deviation.data()),
                  OtfError);
}

TEST_CASE("a network without dropout has no spread") {
  Network network = buildArchitecture("demo", 5);
  for (Layer& layer : network.layers) {
    if (auto* conv = std::get_if<ConvLayer>(&layer); conv != nullptr) conv->dropout = 0;
  }
  const auto engine = createEngine("onednn", std::make_shared<Network>(network), twoThreads());
  const Extent extent{32, 32, 1};
  const auto x = tile(extent, 1, 1);
  std::vector<float> mean(static_cast<size_t>(engine->outputValues(extent))), deviation(mean.size()),
      average(mean.size());
  engine->forwardMonteCarlo(extent, 1, 4, 1, x.data(), mean.data(), deviation.data());
  engine->forward(extent, 1, x.data(), average.data());
  CHECK(mean == average);
  CHECK(std::accumulate(deviation.begin(), deviation.end(), 0.0) == 0.0);
}

TEST_CASE("errors name what is wrong, and the engine lives on") {
  const auto engine = createEngine("onednn", demo(), twoThreads());
  std::vector<float> y(1 << 20);
  const auto x = tile({64, 64, 1}, 1, 1);
  CHECK_THROWS_AS(engine->forward({2, 2, 1}, 1, x.data(), y.data()), OtfError);
  CHECK_THROWS_AS(engine->forward({64, 64, 1}, 0, x.data(), y.data()), OtfError);
  CHECK_NOTHROW(engine->forward({64, 64, 1}, 1, x.data(), y.data()));
  CHECK_THROWS_WITH_AS(createEngine("tpu", demo(), {}), doctest::Contains("no engine 'tpu'"), OtfError);
}

TEST_CASE("profile covers every layer, and the bare layers measure something") {
  const auto network = demo();
  const auto engine = createEngine("onednn", network, twoThreads());
  const Extent extent{64, 64, 1};
  const auto x = tile(extent, 2, 1);
  std::vector<float> y(static_cast<size_t>(2 * engine->outputValues(extent))), same(y.size());
  const auto timings = engine->profile(extent, 2, x.data(), y.data());
  REQUIRE(timings.size() == network->layers.size());
  for (const LayerTiming& timing : timings) CHECK(timing.seconds > 0.0);
  engine->forward(extent, 2, x.data(), same.data());
  CHECK(y == same);
  const auto bare = createBareLayers(network, extent, 2, ComputeType::kFp32cFp32a, 2);
  const std::vector<double> seconds = bare->run();
  REQUIRE(seconds.size() == network->layers.size());
  CHECK(seconds[0] > 0.0);
  CHECK(seconds[9] == 0.0);  // the group norm
}

TEST_CASE("an item left alone changes to all threads on its way and comes out the same") {
  // Long enough to change: 11 GFLOP an item.
  const auto network = std::make_shared<Network>(buildArchitecture("sdc1", 3));
  const Extent extent{256, 256, 1};
  const auto engine = createEngine("onednn", network, twoThreads());
  const int64_t in = Shape{extent, network->trained.c}.values();
  const int64_t out = engine->outputValues(extent);
  const std::vector<float> x = ramp(3 * in);
  std::vector<float> expected(static_cast<size_t>(3 * out));
  for (int n = 0; n < 3; ++n) engine->forward(extent, 1, x.data() + n * in, expected.data() + n * out);
  // Two items for the two teams, and a third that one of them takes while the other has nothing left.
  for (int repeat = 0; repeat < 3; ++repeat) {
    std::vector<float> y(expected.size(), -1.0F);
    auto pair = std::async(std::launch::async, [&] { engine->forward(extent, 2, x.data(), y.data()); });
    auto third = std::async(std::launch::async,
                            [&] { engine->forward(extent, 1, x.data() + 2 * in, y.data() + 2 * out); });
    pair.get();
    third.get();
    CHECK(test::worst(y.data(), expected.data(), 3 * out, 1e-5, 1e-5) <= 1.0);
  }
}
