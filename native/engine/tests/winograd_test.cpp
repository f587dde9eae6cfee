// Convolutions of 3x3 by Winograd's transforms, against sums in double.
#include "engine/avx512/winograd.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "engine/onednn/cpu.h"
#include "engine/registry/registry.h"
#include "engine/tests/check.h"
#include "engine/tests/inputs.h"
#include "engine/threads/worker_thread.h"
#include "model/architectures.h"
#include "tensor/buffer.h"

using namespace otf;
using avx512::WinogradShape;

namespace {

constexpr int64_t kCache = 2 << 20;
constexpr Epilogue kRelu{0.05F, 0.95F * 0.4F};  // a knee at 0.4

test::Draws draws;

int64_t inputsOf(const WinogradShape& s) { return int64_t{s.width} * s.height * s.channels; }
int64_t outputsOf(const WinogradShape& s) { return int64_t{s.outWidth()} * s.outHeight() * s.filters; }

struct Made {
  explicit Made(const WinogradShape& given)
      : shape(given),
        weights(draws(int64_t{9} * given.channels * given.filters,
                      2.0F / std::sqrt(9.0F * static_cast<float>(given.channels)))),
        bias(draws(given.filters, 0.2F)),
        packed(std::make_shared<const avx512::WinogradWeights>(given.channels, given.filters, weights.data(),
                                                               bias.data())) {}
  WinogradShape shape;
  std::vector<float> weights, bias;
  std::shared_ptr<const avx512::WinogradWeights> packed;
};

/// Channels last.
std::vector<float> plainly(const Made& m, const float* in) {
  const WinogradShape& s = m.shape;
  std::vector<float> out;
  for (int y = 0; y < s.outHeight(); ++y) {
    for (int x = 0; x < s.outWidth(); ++x) {
      for (int f = 0; f < s.filters; ++f) {
        double sum = m.bias[static_cast<size_t>(f)];
        for (int k = 0; k < 9; ++k) {
          const int sy = y - s.padH + k / 3;
          const int sx = x - s.padW + k % 3;
          if (sy < 0 || sx < 0 || sy >= s.height || sx >= s.width) continue;
          for (int c = 0; c < s.channels; ++c) {
            sum += static_cast<double>(in[(int64_t{sy} * s.width + sx) * s.channels + c]) *
                   m.weights[static_cast<size_t>((int64_t{f} * s.channels + c) * 9 + k)];
          }
        }
        const double knee = kRelu.gap / (1.0 - kRelu.leak);
        const double above = sum > knee ? knee + kRelu.leak * (sum - knee) : sum;
        out.push_back(static_cast<float>(sum <= 0 ? kRelu.leak * sum : above));
      }
    }
  }
  return out;
}

std::vector<float> byPoints(const Made& m, const std::vector<float>& in, int batch, int threads,
                            int64_t cache) {
  const avx512::Winograd convolution(m.packed, kRelu, m.shape, batch, threads, cache);
  std::vector<float> out(static_cast<size_t>(batch * outputsOf(m.shape)), NAN);
  const Buffer scratch(static_cast<size_t>(convolution.scratchBytes()));
  std::fill_n(scratch.floats(), scratch.bytes() / sizeof(float),
              NAN);  // what is not written must not be read
  WorkerThread worker(threads);
  worker.run([&] { convolution.run(in.data(), out.data(), scratch.data()); });
  return out;
}

std::vector<WinogradShape> shapes() {
  return {{1, 1, 0, 0, 3, 3},   {1, 1, 1, 1, 1, 1},      {16, 32, 1, 1, 12, 10},
          {37, 45, 1, 1, 9, 7}, {24, 33, 0, 1, 21, 8},   {64, 96, 2, 2, 14, 15},
          {5, 31, 2, 0, 6, 30}, {130, 64, 1, 1, 40, 13}, {3, 200, 1, 0, 50, 3}};
}

#define NEEDS_AVX512 *doctest::skip(!onednn::hasAvx512()) * doctest::description("needs a CPU with AVX-512")

}  // namespace

TEST_CASE(
    "products of points are the convolution, of every shape, at any batch, cache and threads" NEEDS_AVX512) {
  for (const WinogradShape& shape : shapes()) {
    const Made made(shape);
    constexpr int kBatch = 3;
    const std::vector<float> in = draws(kBatch * inputsOf(shape), 2.0F);
    CAPTURE(shape.channels);
    CAPTURE(shape.filters);
    const std::vector<float> first = byPoints(made, in, kBatch, 1, kCache);
    for (int n = 0; n < kBatch; ++n) {
      const std::vector<float> expected = plainly(made, in.data() + n * inputsOf(shape));
      REQUIRE(std::ssize(expected) == outputsOf(shape));
      // A tenth of what CIANNA's own outputs are held to.
      CHECK(test::worst(first.data() + n * outputsOf(shape), expected.data(), outputsOf(shape), 2e-6, 2e-6) <=
            1.0);
    }
    for (const int threads : {1, 2, 5}) {
      for (const int64_t cache : {int64_t{1}, kCache}) {
        CHECK(byPoints(made, in, kBatch, threads, cache) == first);
        const std::vector<float> lone(in.begin() + inputsOf(shape), in.begin() + 2 * inputsOf(shape));
        CHECK(byPoints(made, lone, 1, threads, cache) ==
              std::vector<float>(first.begin() + outputsOf(shape), first.begin() + 2 * outputsOf(shape)));
      }
    }
  }
}

TEST_CASE(
    "NaN reaches the pixels whose kernels cover it and no tile beyond, and no other item" NEEDS_AVX512) {
  for (const WinogradShape& shape : shapes()) {
    const Made made(shape);
    for (const float odd :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      std::vector<float> in(static_cast<size_t>(2 * inputsOf(shape)), 0.25F);
      const int px = shape.width / 2;
      const int py = shape.height / 2;
      in[static_cast<size_t>((int64_t{py} * shape.width + px) * shape.channels)] = odd;
      const std::vector<float> out = byPoints(made, in, 2, 1, kCache);
      for (int64_t i = 0; i < std::ssize(out); ++i) {
        const float value = out[static_cast<size_t>(i)];
        if (i >= outputsOf(shape)) {
          CHECK(std::isfinite(value));
          continue;
        }
        // From the first row and column that the pixel's kernel reads; that of a tile may be one before.
        const int64_t pixel = i / shape.filters;
        const int64_t down = py + shape.padH - pixel / shape.outWidth();
        const int64_t right = px + shape.padW - pixel % shape.outWidth();
        const bool covered = down >= 0 && right >= 0 && down < 3 && right < 3;
        const bool near = down >= -1 && right >= -1 && down < 4 && right < 4;
        if (!near) CHECK(std::isfinite(value));
        if (covered && std::isnan(odd)) CHECK(std::isnan(value));
      }
    }
  }
}

TEST_CASE("it is taken where it is less work") {
  CHECK(avx512::pays({128, 192, 1, 1, 128, 128}));
  CHECK(avx512::pays({768, 1024, 1, 1, 32, 32}));
  CHECK(avx512::pays({16, 24, 1, 1, 256, 256}));
  CHECK_FALSE(avx512::pays({1, 32, 1, 1, 512, 512}));   // nothing to sum
  CHECK_FALSE(avx512::pays({128, 4, 1, 1, 128, 128}));  // most of a panel is empty
  CHECK_FALSE(avx512::pays({768, 1024, 0, 0, 3, 3}));   // one pixel of a tile
  CHECK_FALSE(avx512::pays({768, 1024, 0, 0, 2, 2}));   // none
}

TEST_CASE("the SDC1 network's layers of 3x3 are done so, and its output is the plain engine's" NEEDS_AVX512) {
  const auto network = std::make_shared<Network>(buildArchitecture("sdc1", 3));
  const Extent extent{96, 64, 1};
  const std::vector<float> x = test::ramp(2 * Shape{extent, 1}.values());
  std::vector<float> first;
  for (const int threads : {1, 2, 3}) {
    EngineOptions options;
    options.threads = threads;
    options.rawOutput = true;  // the edges of boxes are positions, and as exact as those
    const auto engine = createEngine("onednn", network, options);
    std::vector<float> out(static_cast<size_t>(2 * engine->outputValues(extent)));
    const auto layers = engine->profile(extent, 2, x.data(), out.data());
    for (const size_t i : {2U, 3U, 6U, 9U, 11U, 14U}) {
      CHECK(layers[i].kernel.ends_with("winograd:avx512"));
      CHECK(layers[i].arithmetic < 0.5);
    }
    CHECK(layers[0].arithmetic == 1.0);
    if (first.empty()) {
      first.resize(out.size());
      createEngine("reference", network, options)->forward(extent, 2, x.data(), first.data());
    }
    CHECK(test::worst(out.data(), first.data(), std::ssize(out), 2e-5, 2e-5) <= 1.0);
  }
}
