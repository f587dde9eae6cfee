// The user's own CIANNA as an engine. Without one (CIANNA_ROOT) its tests are reported as skipped, and why is printed.
#include <doctest/doctest.h>

#include <algorithm>
#include <iostream>

#include "engine/process/remote_engine.h"
#include "engine/registry/registry.h"
#include "engine/tests/cases.h"
#include "engine/tests/check.h"
#include "engine/tests/inputs.h"
#include "engine/tests/user_cianna.h"
#include "error/error.h"
#include "model/architectures.h"

using namespace otf;
using namespace otf::test;

namespace {

std::string failureOf(Engine& engine, Extent extent, int batch) {
  const auto x = ramp(Shape{extent, engine.network().trained.c}.values() * batch);
  std::vector<float> y(static_cast<size_t>(engine.outputValues(extent) * batch));
  try {
    engine.forward(extent, batch, x.data(), y.data());
  } catch (const OtfError& error) {
    return std::string(codeName(error.code())) + " " + error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("engines tell which CIANNA is there, or why none") {
  const auto all = describeEngines();
  REQUIRE(all.size() == 4);
  CHECK(all[0].name == "onednn");
  CHECK(all[2].name == "cianna");
  if (!all[2].available) {
    CHECK_FALSE(all[2].reason.empty());
    CHECK_THROWS_WITH_AS(createEngine("cianna", std::make_shared<Network>(buildArchitecture("demo", 1)), {}),
                         doctest::Contains(all[2].reason.c_str()), OtfError);
    return;
  }
  CHECK(all[2].version.find("C_NAIV") != std::string::npos);
  CHECK(all[2].computeTypes.front() == ComputeType::kFp32cFp32a);
  CHECK_FALSE(describeRemoteEngine("cianna:tpu").available);
  MESSAGE("cianna " << all[2].version << " on " << all[2].device);
}

TEST_CASE(
    "a partial batch leaves nothing of the one before, and input sizes other than the trained one work "
    "[needs CIANNA_ROOT]" *
    doctest::skip(!kNaiv)) {
  const test::Case c = test::loadCase("fully_conv_other_size");
  const auto cianna = createEngine("cianna", c.network, c.options);
  const auto onednn = createEngine("onednn", c.network, c.options);
  for (const Extent extent : {c.extent, Extent{c.extent.w + 5, c.extent.h - 3, c.extent.d}}) {
    const auto x = ramp(Shape{extent, c.network->trained.c}.values() * 4);
    std::vector<float> a(static_cast<size_t>(cianna->outputValues(extent) * 4)), b(a.size());
    for (const int batch : {4, 3, 1}) {
      cianna->forward(extent, batch, x.data(), a.data());
      onednn->forward(extent, batch, x.data(), b.data());
      CHECK(test::worst(a.data(), b.data(), batch * cianna->outputValues(extent), 1e-5, 1e-5) <= 1.0);
    }
  }
}

TEST_CASE(
    "group norm: set-off groups pass, its activation is left out, as in the naive code CIANNA's CPU methods "
    "share [needs CIANNA_ROOT]" *
    doctest::skip(!kBlas)) {
  Network network = *test::loadCase("groupnorm").network;
  int norms = 0;
  for (Layer& layer : network.layers) {
    if (auto* norm = std::get_if<GroupNormLayer>(&layer); norm != nullptr) {
      ++norms;
      norm->setOff = 1;
      norm->activation.kind = ActivationKind::kRelu;
      for (size_t g = 0; g < norm->gamma.size(); ++g) {
        norm->gamma[g] = 0.5F + static_cast<float>(g);
        norm->beta[g] = -0.25F * static_cast<float>(g);
      }
    }
  }
  REQUIRE(norms > 0);
  const auto shared = std::make_shared<Network>(network);
  const Extent extent = network.trained.extent;
  const auto x = ramp(network.trained.values() * 3);
  const auto cianna = createEngine("cianna:blas", shared, twoThreads());
  const auto plain = createEngine("reference", shared, twoThreads());
  std::vector<float> a(static_cast<size_t>(plain->outputValues(extent) * 3)), b(a.size());
  cianna->forward(extent, 3, x.data(), a.data());
  plain->forward(extent, 3, x.data(), b.data());
  CHECK(test::worst(a.data(), b.data(), std::ssize(a), 1e-5, 1e-5) <= 1.0);
  // A last group that is short: refused, for CIANNA would read past its table.
  for (Layer& layer : network.layers) {
    if (auto* norm = std::get_if<GroupNormLayer>(&layer); norm != nullptr) {
      const auto channels = static_cast<int>(norm->gamma.size()) * norm->groupSize;
      norm->groupSize = channels - 1;
      norm->setOff = 0;
      norm->gamma.resize(2);
      norm->beta.resize(2);
    }
  }
  const auto ragged = createEngine("cianna:blas", std::make_shared<Network>(network), twoThreads());
  CHECK(failureOf(*ragged, extent, 1).find("OTF_MODEL_UNSUPPORTED CIANNA cannot run layer") == 0);
}

TEST_CASE("an activation with more than two decimals arrives with all of them [needs CIANNA_ROOT]" *
          doctest::skip(!kNaiv)) {
  Network network = *test::loadCase("conv2d_multichannel_leaky").network;
  std::get<ConvLayer>(network.layers.front()).activation.leak = 0.12345F;
  std::get<ConvLayer>(network.layers.front()).activation.saturation = 0.3333F;
  const auto shared = std::make_shared<Network>(network);
  const auto x = ramp(network.trained.values());
  const auto cianna = createEngine("cianna", shared, twoThreads());
  const auto plain = createEngine("reference", shared, twoThreads());
  std::vector<float> a(static_cast<size_t>(plain->outputValues(network.trained.extent))), b(a.size());
  cianna->forward(network.trained.extent, 1, x.data(), a.data());
  plain->forward(network.trained.extent, 1, x.data(), b.data());
  CHECK(test::worst(a.data(), b.data(), std::ssize(a), 1e-5, 1e-5) <= 1.0);
}

TEST_CASE(
    "onednn and cianna agree on the demo model, at the tile sizes of the detection fixtures [needs "
    "CIANNA_ROOT]" *
    doctest::skip(!kBlas)) {
  const auto network = std::make_shared<Network>(readNetwork(OTF_MODELS "/demo-continuum/weights.dat"));
  const auto cianna = createEngine("cianna:blas", network, twoThreads());
  const auto onednn = createEngine("onednn", network, twoThreads());
  const Extent extent{128, 128, 1};
  const auto x = ramp(128 * 128 * 3);
  std::vector<float> a(static_cast<size_t>(cianna->outputValues(extent) * 3)), b(a.size());
  cianna->forward(extent, 3, x.data(), a.data());
  onednn->forward(extent, 3, x.data(), b.data());
  CHECK(test::worst(a.data(), b.data(), std::ssize(a), 1e-4, 1e-4) <= 1.0);
}

namespace {

/// Same seed same answer; the mean nears AVG_MODEL's where what follows is linear.
void checkDropout(const char* engineName) {
  CAPTURE(engineName);
  Network network = buildArchitecture("demo", 5);
  network.layers.pop_back();  // ends with the 1x1x256 dropout layer
  std::get<ConvLayer>(network.layers.back()).activation.kind = ActivationKind::kLinear;
  const auto engine = createEngine(engineName, std::make_shared<Network>(network), twoThreads());
  const Extent extent{32, 32, 1};
  const auto x = ramp(32 * 32 * 2);
  std::vector<float> mean(static_cast<size_t>(engine->outputValues(extent) * 2)), deviation(mean.size()),
      again(mean.size()), other(mean.size()), unused(mean.size()), average(mean.size());
  engine->forwardMonteCarlo(extent, 2, 200, 11, x.data(), mean.data(), deviation.data());
  engine->forwardMonteCarlo(extent, 2, 200, 11, x.data(), again.data(), unused.data());
  engine->forwardMonteCarlo(extent, 2, 200, 12, x.data(), other.data(), unused.data());
  CHECK(mean == again);
  CHECK(mean != other);
  engine->forward(extent, 2, x.data(), average.data());  // back to AVG_MODEL
  double excess = 0;
  for (size_t i = 0; i < mean.size(); ++i)
    excess = std::max(excess, std::fabs(static_cast<double>(mean[i]) - average[i]) /
                                  (deviation[i] / std::sqrt(200.0) + 1e-5));
  CHECK(excess < 6.0);
  CHECK(*std::max_element(deviation.begin(), deviation.end()) > 0.0F);
}

}  // namespace

TEST_CASE("MC_MODEL with C_BLAS [needs CIANNA_ROOT]" * doctest::skip(!kBlas)) { checkDropout("cianna:blas"); }

TEST_CASE("MC_MODEL with C_CUDA [needs CIANNA_ROOT with CUDA, and a GPU]" * doctest::skip(!kCuda)) {
  checkDropout("cianna:cuda");
}

TEST_CASE("a network that makes CIANNA exit is an error with CIANNA's own words [needs CIANNA_ROOT]" *
          doctest::skip(!kBlas)) {
  Network lrn = buildArchitecture("demo", 5);
  lrn.layers.insert(lrn.layers.begin() + 1, LrnLayer{});
  const auto engine = createEngine("cianna:blas", std::make_shared<Network>(lrn), twoThreads());
  const std::string message = failureOf(*engine, {32, 32, 1}, 1);
  CAPTURE(message);
  CHECK(message.starts_with("OTF_ENGINE_FAILED "));
  CHECK(message.find("while loading the network") != std::string::npos);
  CHECK(message.find("exited with code") != std::string::npos);
  // Its own words, whatever they are exactly.
  CHECK(message.find("LRN") != std::string::npos);
  CHECK(message.find("CUDA") != std::string::npos);
  CHECK(failureOf(*engine, {32, 32, 1}, 1).find("ended before") != std::string::npos);
}

TEST_CASE(
    "what CIANNA's 32-bit counting cannot hold is refused with the batch that fits [needs CIANNA_ROOT]" *
    doctest::skip(!kBlas)) {
  const auto engine =
      createEngine("cianna:blas", std::make_shared<Network>(buildArchitecture("sdc1", 1)), twoThreads());
  const std::string message = failureOf(*engine, {512, 512, 1}, 512);
  CAPTURE(message);
  CHECK(message.starts_with("OTF_SHAPE_MISMATCH CIANNA counts with 32 bits"));
  CHECK(message.find("use a batch of at most ") != std::string::npos);
}

TEST_CASE(
    "the bridge costs less than a millisecond and a copy over CIANNA's own forward [needs CIANNA_ROOT]" *
    doctest::skip(!kBlas)) {
  const auto network = std::make_shared<Network>(readNetwork(OTF_MODELS "/demo-continuum/weights.dat"));
  const RemoteBench figures = benchRemoteEngine("cianna:blas", network, twoThreads(), {128, 128, 1}, 4, 9);
  std::cout << "own " << figures.ownSeconds * 1e3 << " ms, bridge " << figures.bridgeSeconds * 1e3
            << " ms (of it " << figures.overheadSeconds * 1e3 << " ms not CIANNA's), remote "
            << figures.remoteSeconds * 1e3 << " ms, a copy " << figures.copySeconds * 1e3
            << " ms per batch of 4\n";
  CHECK(figures.ownSeconds > 0);
  CHECK(figures.copySeconds > 0);
  CHECK(figures.overheadSeconds > 0);
  CHECK(figures.overheadSeconds < 1e-3 + figures.copySeconds);
}
