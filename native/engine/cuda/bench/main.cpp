// The engine cuda on a machine that has a GPU and little else: no Node, no oneDNN. `check FIXTURES` holds it against
// what CIANNA gave and against the plain engine, `speed` measures it on the SDC1 network, `small` runs a little of
// everything once, for compute-sanitizer.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "engine/conformance/case.h"
#include "engine/conformance/compare.h"
#include "engine/cuda/cuda_engine.h"
#include "engine/cuda/library.h"
#include "engine/reference/reference_engine.h"
#include "engine/tests/random_networks.h"
#include "error/error.h"
#include "model/architectures.h"

namespace {

using namespace otf;

constexpr ComputeType kTypes[] = {ComputeType::kFp32cFp32a, ComputeType::kTf32cFp32a,
                                  ComputeType::kFp16cFp32a, ComputeType::kBf16cFp32a};

std::string nameOf(ComputeType type) { return std::string(computeTypeName(type)); }

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::vector<float> noise(size_t count, uint32_t seed) {
  std::vector<float> values(count);
  uint32_t state = seed * 2654435761U + 1;
  for (float& value : values) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<float>(state >> 8) / static_cast<float>(1U << 24);
  }
  return values;
}

int checkConformance(const OtfCudaApi& api, const std::filesystem::path& folder) {
  int failed = 0;
  for (const ComputeType type : kTypes) {
    const conformance::Tolerance tolerance = conformance::toleranceOf(type);
    double worst = 0;
    const auto names = conformance::caseNames(folder);
    for (const std::string& name : names) {
      conformance::Case c = conformance::loadCase(folder, name);
      c.options.computeType = type;
      const auto engine = host::openCuda(api, c.network, c.options);
      // The first pass goes step by step, the others are recorded.
      for (int pass = 0; pass < 3; ++pass) {
        std::vector<float> got(c.expected.size(), NAN);
        engine->forward(c.extent, c.items, c.input.data(), got.data());
        worst = std::max(worst, tolerance.ofRange ? conformance::worstOfRange(got, c.expected)
                                                  : conformance::worst(got.data(), c.expected.data(),
                                                                       std::ssize(got), 2e-5, 2e-5));
      }
    }
    const bool good = worst <= tolerance.most;
    if (!good) ++failed;
    std::printf("conformance %s: %zu networks, worst %.2e of %s, allowed %g: %s\n", nameOf(type).c_str(),
                names.size(), worst, tolerance.ofRange ? "the range" : "2e-5 + 2e-5|b|", tolerance.most,
                good ? "ok" : "FAILED");
  }
  return failed;
}

int checkRandom(const OtfCudaApi& api) {
  int failed = 0;
  int count = 0;
  for (uint32_t seed = 1; seed <= 240; ++seed) {
    test::Draw draw(seed);
    const auto network = std::make_shared<Network>(test::drawNetwork(seed, draw));
    if (network->layers.empty()) continue;
    EngineOptions options;
    options.inputBias = draw.real();
    options.rawOutput = draw.chance(30);
    const auto plain = createReferenceEngine(network, options);
    const auto fast = host::openCuda(api, network, options);
    const int batch = draw.between(1, 4);
    std::vector<float> x(static_cast<size_t>(batch * network->trained.values()));
    for (float& value : x) value = draw.real();
    const Extent extent = network->trained.extent;
    const auto values = static_cast<size_t>(batch * plain->outputValues(extent));
    std::vector<float> expected(values), got(values, NAN), deviation(values), deviationGot(values, NAN);
    const auto compare = [&](const char* what, const std::vector<float>& a, const std::vector<float>& b,
                             double t) {
      for (size_t i = 0; i < b.size(); ++i) {
        if (std::isnan(a[i]) && std::isnan(b[i])) continue;
        if (std::fabs(static_cast<double>(a[i]) - b[i]) <= t + t * std::fabs(b[i])) continue;
        std::printf("random network %u, %s: %g instead of %g at %zu %s\n", seed, what, a[i], b[i], i,
                    test::text(*network).c_str());
        ++failed;
        return;
      }
    };
    plain->forward(extent, batch, x.data(), expected.data());
    fast->forward(extent, batch, x.data(), got.data());
    compare("AVG_MODEL", got, expected, 2e-4);
    ++count;
    if (seed % 3 != 0) continue;
    plain->forwardMonteCarlo(extent, batch, 3, seed, x.data(), expected.data(), deviation.data());
    fast->forwardMonteCarlo(extent, batch, 3, seed, x.data(), got.data(), deviationGot.data());
    compare("MC_MODEL mean", got, expected, 5e-4);
    compare("MC_MODEL deviation", deviationGot, deviation, 1e-3);
  }
  std::printf("random networks against the plain engine, FP32: %d networks, %d failed\n", count, failed);
  return failed;
}

/// 16-bit types against FP32, on networks large enough for whole tiles.
int checkLarge(const OtfCudaApi& api) {
  int failed = 0;
  for (const char* name : {"demo", "sdc1"}) {
    const auto network = std::make_shared<Network>(buildArchitecture(name, 3));
    EngineOptions options;
    options.rawOutput = true;
    const Extent extent = {160, 128, 1};
    const int batch = 7;
    const std::vector<float> x = noise(static_cast<size_t>(batch) * 160 * 128, 5);
    const auto exact = host::openCuda(api, network, options);
    std::vector<float> expected(static_cast<size_t>(batch * exact->outputValues(extent)));
    exact->forward(extent, batch, x.data(), expected.data());
    for (const ComputeType type : kTypes) {
      options.computeType = type;
      const auto engine = host::openCuda(api, network, options);
      double range = 0;
      for (int pass = 0; pass < 3; ++pass) {
        std::vector<float> got(expected.size(), NAN);
        engine->forward(extent, batch, x.data(), got.data());
        range = std::max(range, conformance::worstOfRange(got, expected));
      }
      const bool good = range <= 3e-2;
      if (!good) ++failed;
      std::printf("%s %s against FP32: %.2e of the range: %s\n", name, nameOf(type).c_str(), range,
                  good ? "ok" : "FAILED");
    }
  }
  return failed;
}

void speed(const OtfCudaApi& api, const std::vector<ComputeType>& types, const std::vector<int>& pieces) {
  const auto network = std::make_shared<Network>(buildArchitecture("sdc1", 1));
  const Extent extent{512, 512, 1};
  constexpr int kMost = 256;
  const std::vector<float> x = noise(static_cast<size_t>(kMost) * 512 * 512, 9);
  const auto valuesIn = size_t{512} * 512;
  for (const ComputeType type : types) {
    EngineOptions options;
    options.computeType = type;
    const auto engine = host::openCuda(api, network, options);
    const auto out = static_cast<size_t>(engine->outputValues(extent));
    std::vector<float> y(kMost * out);
    std::printf("%s on %s\n  batch: tiles/s of Engine::forward (two callers)\n ", nameOf(type).c_str(),
                engine->info().device.c_str());
    for (const int batch : {1, 2, 4, 8, 16, 32, 64, 128, 256}) {
      for (int i = 0; i < 8; ++i) engine->forward(extent, batch, x.data(), y.data());
      // Fewer than half a second says little.
      const double start = now();
      int passes = 0;
      while (now() - start < 0.25 || passes < 2) engine->forward(extent, batch, x.data(), y.data()), ++passes;
      const double one = passes * batch / (now() - start);
      std::vector<std::thread> callers;
      const double begin = now();
      for (int t = 0; t < 2 && batch <= 128; ++t) {
        callers.emplace_back([&, t] {
          for (int i = 0; i < std::max(2, passes / 2); ++i)
            engine->forward(extent, batch, x.data() + static_cast<size_t>(t * batch) * valuesIn,
                            y.data() + static_cast<size_t>(t * batch) * out);
        });
      }
      for (std::thread& caller : callers) caller.join();
      const double two = batch <= 128 ? 2 * std::max(2, passes / 2) * batch / (now() - begin) : 0;
      std::printf(" %d: %.0f (%.0f)", batch, one, two);
      std::fflush(stdout);
    }
    std::printf("\n  device memory %.2f GB\n  items at once: tiles/s on the device, nothing copied:",
                static_cast<double>(engine->memoryBytes()) / 1e9);
    for (const int piece : pieces) {
      const auto each = host::openCuda(api, network, options, piece);
      each->forward(extent, piece, x.data(), y.data());
      const double seconds = host::residentSeconds(*each, extent, piece, std::max(3, 256 / piece));
      std::printf(" %d: %.0f", piece, piece / seconds);
      std::fflush(stdout);
    }
    const int batch = 32;
    const auto layers = engine->profile(extent, batch, x.data(), y.data());
    double total = 0;
    for (const LayerTiming& layer : layers) total += layer.seconds;
    std::printf("\n  layers, %d tiles, microseconds a tile (sum %.1f):\n", batch, total / batch * 1e6);
    for (const LayerTiming& layer : layers)
      std::printf("    %-28s %-18s %8.2f us %8.1f TFLOP/s\n", layer.layer.c_str(), layer.kernel.c_str(),
                  layer.seconds / batch * 1e6, layer.flops / layer.seconds / 1e12);
    std::fflush(stdout);
  }
}

int small(const OtfCudaApi& api) {
  for (const char* name : {"demo", "sdc1"}) {
    const auto network = std::make_shared<Network>(buildArchitecture(name, 2));
    for (const ComputeType type : kTypes) {
      EngineOptions options;
      options.computeType = type;
      const auto engine = host::openCuda(api, network, options);
      const Extent extent{64, 96, 1};
      const std::vector<float> x = noise(3 * 64 * 96, 4);
      std::vector<float> y(static_cast<size_t>(3 * engine->outputValues(extent)));
      engine->forward(extent, 3, x.data(), y.data());
      std::printf("%s %s: first value %g\n", name, nameOf(type).c_str(), static_cast<double>(y[0]));
    }
  }
  return 0;
}

}  // namespace

int main(int count, char** values) {
  const std::string what = count > 1 ? values[1] : "";
  try {
    const OtfCudaApi& api = host::cudaLibrary();
    const EngineDescription device = host::describeCuda();
    std::printf("%s, %s\n", device.device.c_str(), device.version.c_str());
    if (what == "check" && count == 3)
      return checkConformance(api, values[2]) + checkRandom(api) + checkLarge(api) == 0 ? 0 : 1;
    if (what == "small") return small(api);
    if (what == "speed") {
      std::vector<ComputeType> types;
      for (int i = 2; i < count; ++i)
        if (const auto type = parseComputeType(values[i])) types.push_back(*type);
      speed(api, types.empty() ? std::vector<ComputeType>(std::begin(kTypes), std::end(kTypes)) : types,
            {1, 4, 8, 16, 32, 64, 128});
      return 0;
    }
  } catch (const OtfError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  std::fprintf(stderr, "otf-cuda-bench check FIXTURES | speed [TYPE...] | small\n");
  return 2;
}
