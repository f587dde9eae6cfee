// The emulation itself: it must see the faults it is there for, or the tests built on it say nothing.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "engine/cuda/emulation/cuda.h"
#include "engine/cuda/emulation/warp.h"
#include "engine/cuda/numbers/numbers.h"
#include "engine/tests/check.h"

using namespace otf;
using emulation::launch;
using emulation::sharedMemory;
using emulation::syncThreads;
using emulation::takeFaults;

namespace {

// The compiler watches one or the other.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kWatched = false;
#else
constexpr bool kWatched = true;
#endif

int thread() { return static_cast<int>(threadIdx.x); }
float* floats() { return reinterpret_cast<float*>(sharedMemory()); }

/// Faults of one block of `threads`; this file is compiled as kernels are.
std::vector<std::string> faultsOf(unsigned threads, const std::function<void()>& kernel,
                                  size_t shared = 4096) {
  takeFaults();
  launch(1, threads, shared, kernel);
  return takeFaults();
}

}  // namespace

TEST_CASE("emulation: neighbours read after a barrier are no race, before one they are" *
          doctest::skip(!kWatched) * doctest::description("needs a build without AddressSanitizer")) {
  std::array<float, 64> got{};
  CHECK(faultsOf(64, [&] {
          floats()[thread()] = static_cast<float>(thread());
          syncThreads();
          got[static_cast<size_t>(thread())] = floats()[(thread() + 1) % 64];
        }).empty());
  CHECK(got[63] == 0);
  CHECK(got[5] == 6);
  const auto faults = faultsOf(64, [&] {
    floats()[thread()] = static_cast<float>(thread());
    got[static_cast<size_t>(thread())] = floats()[(thread() + 1) % 64];
  });
  REQUIRE_FALSE(faults.empty());
  CHECK(faults.front().find("race in shared memory") != std::string::npos);
}

TEST_CASE("emulation: two threads that write one place, and a write after another's read, are races" *
          doctest::skip(!kWatched) * doctest::description("needs a build without AddressSanitizer")) {
  CHECK_FALSE(faultsOf(32, [] { floats()[0] = 1; }).empty());
  float sink = 0;
  CHECK_FALSE(faultsOf(32, [&] {
                if (thread() == 0) floats()[0] = 1;
                syncThreads();
                sink += floats()[0];
                if (thread() == 31) floats()[0] = 2;
              }).empty());
}

TEST_CASE(
    "emulation: a copy is there when it was waited for, not before, and what nobody wrote is no number") {
  alignas(16) float source[4] = {1, 2, 3, 4};
  float early = 0, late = 0, zero = 1, unwritten = 0;
  CHECK(faultsOf(1, [&] {
          emulation::copyAsync(floats(), source, true);
          emulation::commitCopies();
          emulation::copyAsync(floats() + 4, source, false);
          emulation::commitCopies();
          early = floats()[2];
          emulation::waitForCopies(1);
          late = floats()[2];
          emulation::waitForCopies(0);
          zero = floats()[6];
          unwritten = floats()[100];
        }).empty());
  CHECK(std::isnan(early));
  CHECK(late == 3);
  CHECK(zero == 0);
  CHECK(std::isnan(unwritten));
  const auto faults = faultsOf(1, [&] {
    emulation::copyAsync(floats(), source, true);
    emulation::commitCopies();
  });
  takeFaults();
  launch(1, 1, 16, [] {});  // a block's copies are looked at when the next begins
  CHECK((!faults.empty() || !takeFaults().empty()));
}

TEST_CASE("emulation: fragments of mma and ldmatrix multiply 16x8 tiles as a plain product does") {
  std::array<float, 16 * 16> a{};
  std::array<float, 8 * 16> b{};
  for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(static_cast<int>(i * 37 % 41) - 20);
  for (size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(static_cast<int>(i * 53 % 31) - 15);
  std::array<float, 16 * 8> got{};
  CHECK(faultsOf(32, [&] {
          auto* halves = reinterpret_cast<uint16_t*>(sharedMemory());
          for (int i = thread(); i < 256; i += 32) halves[i] = cuda::halfBits(a[static_cast<size_t>(i)]);
          // Columns of B lie as rows.
          for (int i = thread(); i < 128; i += 32)
            halves[256 + i] = cuda::halfBits(b[static_cast<size_t>(i)]);
          for (int i = thread(); i < 128; i += 32) halves[384 + i] = 0;
          syncThreads();
          uint32_t fragmentsA[4];
          uint32_t fragmentsB[4];
          const int lane = thread();
          emulation::loadMatrices(fragmentsA, halves + lane % 16 * 16 + lane / 16 * 8);
          emulation::loadMatrices(fragmentsB,
                                  halves + 256 + (lane % 8 + lane / 16 * 8) * 16 + lane / 8 % 2 * 8);
          float sums[4] = {0, 0, 0, 0};
          emulation::multiply(emulation::MmaType::kHalf, sums, fragmentsA, fragmentsB[0], fragmentsB[1]);
          for (int i = 0; i < 4; ++i)
            got[static_cast<size_t>((lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2)] = sums[i];
        }).empty());
  for (size_t row = 0; row < 16; ++row) {
    for (size_t column = 0; column < 8; ++column) {
      float sum = 0;
      for (size_t k = 0; k < 16; ++k) sum += a[row * 16 + k] * b[column * 16 + k];
      CHECK(got[row * 8 + column] == sum);
    }
  }
}

TEST_CASE("numbers: 16-bit types and tf32 round as the GPU does, and keep what is special") {
  using namespace cuda;
  for (const float exact : {0.0F, -0.0F, 1.0F, -2.5F, 65504.0F, 0x1p-24F, 0x1.ff8p-15F, INFINITY, -INFINITY})
    CHECK(halfValue(halfBits(exact)) == exact);
  CHECK(std::signbit(halfValue(halfBits(-0.0F))));
  CHECK(halfValue(halfBits(2049.0F)) == 2048.0F);  // ties to even
  CHECK(halfValue(halfBits(2051.0F)) == 2052.0F);
  CHECK(halfValue(halfBits(65520.0F)) == INFINITY);
  CHECK(halfValue(halfBits(65519.9F)) == 65504.0F);
  CHECK(halfValue(halfBits(0x1p-25F)) == 0.0F);
  CHECK(halfValue(halfBits(0x1.8p-25F)) == 0x1p-24F);
  CHECK(std::isnan(halfValue(halfBits(NAN))));
  CHECK(bfloatValue(bfloatBits(257.0F)) == 256.0F);
  CHECK(bfloatValue(bfloatBits(259.0F)) == 260.0F);
  CHECK(bfloatValue(bfloatBits(3.4e38F)) == INFINITY);
  CHECK(std::isnan(bfloatValue(bfloatBits(NAN))));
  CHECK(tf32Value(1.0F + 0x1p-11F) == 1.0F + 0x1p-10F);  // ties away from zero
  CHECK(tf32Value(1.0F + 0x1.8p-12F) == 1.0F);
  CHECK(tf32Value(INFINITY) == INFINITY);
  CHECK(std::isnan(tf32Value(NAN)));
}
