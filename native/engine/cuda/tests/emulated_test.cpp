// The kernels on an emulated GPU, where there is none: numbers, memory (under AddressSanitizer) and races.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/cuda/cuda_engine.h"
#include "engine/cuda/emulation/cuda.h"
#include "engine/cuda/tests/no_faults.h"
#include "engine/host/self_check.h"
#include "engine/reference/reference_engine.h"
#include "engine/tests/beside_plain.h"
#include "engine/tests/cases.h"
#include "engine/tests/check.h"
#include "error/error.h"
#include "model/architectures.h"

using namespace otf;
using test::Case;
using test::NoFaults;

extern "C" const OtfCudaApi* otfCuda();

namespace {

std::unique_ptr<Engine> open(const std::shared_ptr<const Network>& network, const EngineOptions& options,
                             int mostItems = 0) {
  return host::openCuda(*otfCuda(), network, options, mostItems);
}

host::MakeEngine openOn(const OtfCudaApi& api) {
  return [&api](const auto& network, const auto& options) { return host::openCuda(api, network, options); };
}

/// What `work` writes to standard error.
std::string wordsOf(const std::function<void()>& work) {
  std::fflush(stderr);
  const int before = ::dup(STDERR_FILENO);
  const int words = ::memfd_create("words", 0);
  ::dup2(words, STDERR_FILENO);
  try {
    work();
  } catch (const OtfError& error) {
    MESSAGE("threw " << error.what());
  }
  std::fflush(stderr);
  ::dup2(before, STDERR_FILENO);
  ::close(before);
  std::string text(static_cast<size_t>(::lseek(words, 0, SEEK_END)), '\0');
  ::pread(words, text.data(), text.size(), 0);
  ::close(words);
  return text;
}

// Ten times as slow under AddressSanitizer, which watches every change of fibers.
#if defined(__SANITIZE_ADDRESS__)
constexpr uint32_t kNetworks = 15;
#else
constexpr uint32_t kNetworks = 60;
#endif

}  // namespace

TEST_CASE("cuda, emulated: conformance networks in FP32, whole batches and in pieces") {
  const NoFaults faults;
  const auto all = test::caseNames();
  REQUIRE(all.size() == 18);
  for (const std::string& name : all) {
    const Case c = test::loadCase(name);
    CAPTURE(name);
    for (const int most : {0, 2}) {
      const auto engine = open(c.network, c.options, most);
      const std::vector<float> x = c.inputs(5, 1);
      std::vector<float> y(static_cast<size_t>(5 * c.out));
      // The second pass is the recorded one.
      for (int pass = 0; pass < 2; ++pass) {
        std::fill(y.begin(), y.end(), NAN);
        engine->forward(c.extent, 5, x.data(), y.data());
        for (int n = 0; n < 5; ++n)
          CHECK(test::worst(y.data() + n * c.out, c.expected.data() + (1 + n) % c.items * c.out, c.out, 2e-5,
                            2e-5) <= 1.0);
      }
    }
  }
}

TEST_CASE("cuda, emulated: conformance networks in FP16, BF16 and TF32") {
  const NoFaults faults;
  for (const ComputeType type :
       {ComputeType::kFp16cFp32a, ComputeType::kBf16cFp32a, ComputeType::kTf32cFp32a}) {
    for (const std::string& name : test::caseNames()) {
      Case c = test::loadCase(name);
      c.options.computeType = type;
      const auto engine = open(c.network, c.options);
      REQUIRE(engine->info().effective == type);
      std::vector<float> y(c.expected.size());
      engine->forward(c.extent, c.items, c.input.data(), y.data());
      CAPTURE(name);
      CAPTURE(computeTypeName(type));
      CHECK(test::worstOfRange(y, c.expected) <= conformance::toleranceOf(type).most);
    }
  }
}

TEST_CASE("cuda, emulated: random networks give what the plain engine gives, AVG_MODEL and MC_MODEL") {
  const NoFaults faults;
  test::compareWithPlain(
      kNetworks, [](const auto& network, const EngineOptions& options) { return open(network, options); });
}

TEST_CASE(
    "cuda, emulated: the check before serving passes in every type, and names a GPU that counts wrong") {
  const NoFaults faults;
  for (const ComputeType type : {ComputeType::kFp32cFp32a, ComputeType::kTf32cFp32a, ComputeType::kFp16cFp32a,
                                 ComputeType::kBf16cFp32a, ComputeType::kFp16cFp16a}) {
    CAPTURE(computeTypeName(type));
    CHECK_NOTHROW(host::checkNumbers(openOn(*otfCuda()), type));
  }
  static OtfCudaApi wrong = *otfCuda();
  wrong.forward = [](OtfCudaNetwork* network, OtfCudaTile tile, int batch, const float* input, float* output,
                     OtfCudaError* error) {
    const int result = otfCuda()->forward(network, tile, batch, input, output, error);
    output[7] += 100.0F;
    return result;
  };
  CHECK_THROWS_WITH_AS(host::checkNumbers(openOn(wrong), ComputeType::kBf16cFp32a),
                       doctest::Contains("emulated gives wrong numbers in BF16C_FP32A"), OtfError);
}

TEST_CASE("cuda, emulated: compute types are CIANNA's, and what is used instead is said") {
  const auto network = std::make_shared<Network>(buildArchitecture("demo", 3));
  EngineOptions options;
  options.computeType = ComputeType::kFp16cFp16a;
  const auto engine = open(network, options);
  CHECK(engine->info().engine == "cuda");
  CHECK(engine->info().asked == ComputeType::kFp16cFp16a);
  CHECK(engine->info().effective == ComputeType::kFp16cFp32a);
}

TEST_CASE(
    "cuda, emulated: when memory is short a batch is halved until it fits, and what cannot fit is an error") {
  const NoFaults faults;
  const auto network = std::make_shared<Network>(buildArchitecture("demo", 3));
  const auto engine = open(network, {});
  const Extent extent{32, 32, 1};
  const auto values = static_cast<size_t>(engine->outputValues(extent));
  std::vector<float> x(8 * 32 * 32);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 7919 % 1000) / 1000.0F;
  std::vector<float> expected(8 * values);
  engine->forward(extent, 8, x.data(), expected.data());

  const auto poor = open(network, {});
  std::vector<float> got(8 * values, NAN);
  struct Unlimited {
    ~Unlimited() { emulation::limitMemory(0); }
  } unlimited;
  // Not enough for eight tiles beside the weights; in tests each tensor has memory of its own besides.
  emulation::limitMemory(static_cast<size_t>(engine->memoryBytes()) + (size_t{400} << 10));
  const std::string said = wordsOf([&] { poor->forward(extent, 8, x.data(), got.data()); });
  CHECK(got == expected);
  CAPTURE(said);
  CHECK(said.find("there is no memory for 8 items at once; 4 from now on") != std::string::npos);
  emulation::limitMemory(1000);
  const auto none = open(network, {});
  try {
    none->forward(extent, 1, x.data(), got.data());
    FAIL("ran without memory");
  } catch (const OtfError& error) {
    CHECK(error.code() == Code::kOutOfMemory);
    CHECK(std::string(error.what()).starts_with("the host has not enough memory that can be pinned for"));
  }
}

TEST_CASE("cuda, emulated: a pass that cannot be recorded runs all the same") {
  const NoFaults faults;
  const auto network = std::make_shared<Network>(buildArchitecture("demo", 3));
  const auto engine = open(network, {});
  const Extent extent{16, 16, 1};
  std::vector<float> x(16 * 16, 0.5F);
  std::vector<float> expected(static_cast<size_t>(engine->outputValues(extent)));
  engine->forward(extent, 1, x.data(), expected.data());
  emulation::spoilRecording();
  for (const bool recorded : {true, false}) {
    std::vector<float> got(expected.size(), NAN);
    const std::string said = wordsOf([&] { engine->forward(extent, 1, x.data(), got.data()); });
    CHECK(got == expected);
    CHECK((said.find("begin kernel by kernel") != std::string::npos) == recorded);
  }
}

TEST_CASE("cuda, emulated: a profile names every layer and gives the pass's numbers") {
  const auto network = std::make_shared<Network>(buildArchitecture("demo", 3));
  const auto engine = open(network, {});
  const Extent extent{16, 16, 1};
  std::vector<float> x(16 * 16, 0.5F);
  std::vector<float> expected(static_cast<size_t>(engine->outputValues(extent)));
  std::vector<float> got(expected.size(), NAN);
  engine->forward(extent, 1, x.data(), expected.data());
  const auto layers = engine->profile(extent, 1, x.data(), got.data());
  CHECK(got == expected);
  REQUIRE(layers.size() == network->layers.size());
  for (const LayerTiming& layer : layers) CHECK_FALSE(layer.kernel.empty());
  CHECK(layers.front().kernel == "input conv");
  CHECK(layers.back().kernel == "conv, yolo");
}
