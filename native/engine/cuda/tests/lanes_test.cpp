// Callers beside each other on an emulated GPU: they share lanes, memory, and the stream that computes.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "engine/cuda/cuda_engine.h"
#include "engine/cuda/emulation/cuda.h"
#include "engine/cuda/tests/no_faults.h"
#include "error/error.h"
#include "model/architectures.h"

using namespace otf;
using test::NoFaults;

extern "C" const OtfCudaApi* otfCuda();

namespace {

std::unique_ptr<Engine> open(const std::shared_ptr<const Network>& network, int mostItems = 0) {
  return host::openCuda(*otfCuda(), network, {}, mostItems);
}

/// Two convolutions: eight values a pixel.
std::shared_ptr<const Network> small() {
  auto network = std::make_shared<Network>();
  network->trained = {{4, 4, 1}, 1};
  ConvLayer conv;
  conv.filters = 8;
  conv.trainedInput = network->trained;
  network->layers.emplace_back(conv);
  conv.trainedInput.c = 8;
  network->layers.emplace_back(conv);
  randomiseWeights(*network, 3);
  return network;
}

std::vector<float> inputs(size_t count) {
  std::vector<float> x(count);
  for (size_t i = 0; i < count; ++i) x[i] = static_cast<float>(i * 7919 % 1000) / 1000.0F;
  return x;
}

void together(const std::vector<std::function<void()>>& callers) {
  std::vector<std::thread> threads;
  for (const auto& caller : callers) threads.emplace_back(caller);
  for (std::thread& thread : threads) thread.join();
}

/// Ends with the test.
struct Slow {
  explicit Slow(std::chrono::microseconds time) { emulation::linger(time); }
  ~Slow() { emulation::linger({}); }
};
struct Limited {
  explicit Limited(size_t bytes) { emulation::limitMemory(bytes); }
  ~Limited() { emulation::limitMemory(0); }
};

}  // namespace

TEST_CASE("cuda, emulated: several callers at once get what one gets alone") {
  const NoFaults faults;
  const auto network = std::make_shared<Network>(buildArchitecture("demo", 3));
  const auto engine = open(network, 2);
  const Extent extent{16, 16, 1};
  const auto values = static_cast<size_t>(engine->outputValues(extent));
  std::vector<float> x(5 * 16 * 16);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 7919 % 1000) / 1000.0F;
  std::vector<float> alone(5 * values);
  engine->forward(extent, 5, x.data(), alone.data());
  std::vector<std::vector<float>> got(4, std::vector<float>(alone.size(), NAN));
  std::vector<std::thread> callers;
  for (auto& each : got)
    callers.emplace_back([&] {
      for (int i = 0; i < 3; ++i) engine->forward(extent, 5, x.data(), each.data());
    });
  for (std::thread& caller : callers) caller.join();
  for (const auto& each : got) CHECK(each == alone);
}

TEST_CASE("cuda, emulated: callers whose batches grow, each while the other's plans are given up") {
  const NoFaults faults;
  constexpr int kMost = 40;
  const auto network = small();
  const Extent extent{4, 4, 1};
  const std::vector<float> x = inputs(16 * kMost);
  std::vector<float> expected(128 * kMost);
  open(network)->forward(extent, kMost, x.data(), expected.data());
  const Slow slow(std::chrono::microseconds(100));
  const auto engine = open(network);
  std::atomic<int> wrong{0};
  const auto caller = [&] {
    for (int batch = 1; batch <= kMost; ++batch) {
      for (int pass = 0; pass < 3; ++pass) {
        std::vector<float> y(static_cast<size_t>(128 * batch), NAN);
        engine->forward(extent, batch, x.data(), y.data());
        if (!std::equal(y.begin(), y.end(), expected.begin())) ++wrong;
      }
    }
  };
  together({caller, caller});
  CHECK(wrong == 0);
}

TEST_CASE("cuda, emulated: who finds no memory spoils no recording of another") {
  const NoFaults faults;
  constexpr int kRounds = 40;
  const auto network = small();
  const std::vector<float> x = inputs(1 << 20);
  const Slow slow(std::chrono::microseconds(100));
  const Limited limited(size_t{1} << 20);
  std::vector<float> none(size_t{8} << 20);
  int refused = 0;
  // Anew each time: after the first refusal fewer are under way.
  for (int round = 0; round < kRounds; ++round) {
    const auto engine = open(network);
    const auto fits = [&] {
      std::vector<float> y(128 * 4);
      for (int batch = 4; batch > 0; --batch)
        for (int pass = 0; pass < 2; ++pass) engine->forward({4, 4, 1}, batch, x.data(), y.data());
    };
    const auto tooLarge = [&] {
      try {
        engine->forward({1024, 1024, 1}, 1, x.data(), none.data());
      } catch (const OtfError& error) {
        refused += error.code() == Code::kOutOfMemory ? 1 : 0;
      }
    };
    together({fits, tooLarge});
  }
  CHECK(refused == kRounds);
}

TEST_CASE("cuda, emulated: with memory for one tile at once callers take turns") {
  const NoFaults faults;
  const auto engine = open(small());
  const Extent extent{64, 64, 1};
  const std::vector<float> x = inputs(64 * 64);
  std::vector<float> expected(8 * x.size());
  for (int pass = 0; pass < 3; ++pass) engine->forward(extent, 1, x.data(), expected.data());
  // Less than a second lane of this tile takes.
  const Limited limited(size_t{100} << 10);
  std::atomic<int> wrong{0}, refused{0};
  const auto caller = [&] {
    for (int pass = 0; pass < 20; ++pass) {
      std::vector<float> y(expected.size(), NAN);
      try {
        engine->forward(extent, 1, x.data(), y.data());
        if (y != expected) ++wrong;
      } catch (const OtfError&) {
        ++refused;
      }
    }
  };
  together({caller, caller});
  CHECK(refused == 0);
  CHECK(wrong == 0);
}

TEST_CASE("cuda, emulated: a tile gets the memory of what was there before it") {
  const NoFaults faults;
  const auto network = small();
  const std::vector<float> x = inputs(6 * 64 * 64);
  std::vector<float> expected(8 * 80 * 80);
  open(network)->forward({80, 80, 1}, 1, x.data(), expected.data());
  const auto engine = open(network, 2);
  std::vector<float> many(8 * x.size());
  engine->forward({64, 64, 1}, 6, x.data(), many.data());
  const Limited limited(1);
  std::vector<float> y(expected.size(), NAN);
  engine->forward({80, 80, 1}, 1, x.data(), y.data());
  CHECK(y == expected);
}
