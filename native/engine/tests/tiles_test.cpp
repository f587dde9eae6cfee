// Convolutions as products of tiles, against sums in double of the same rounded operands.
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "engine/narrow/layer.h"
#include "engine/onednn/cpu.h"
#include "engine/onednn/layout.h"
#include "engine/registry/registry.h"
#include "engine/strips/chain.h"
#include "engine/tests/check.h"
#include "engine/tests/emulated_amx.h"
#include "engine/tests/inputs.h"
#include "engine/threads/worker_thread.h"
#include "model/architectures.h"
#include "tensor/buffer.h"

using namespace otf;
using onednn::Bf16;

namespace {

constexpr int64_t kCache = 2 << 20;

float rounded(float x) {
  Bf16 to{};
  onednn::store(to, x);
  return onednn::toFloat(to);
}

test::Draws all;
std::vector<float> draws(int64_t count, float scale) {
  std::vector<float> values = all(count, scale);
  for (float& value : values) value = rounded(value);
  return values;
}

struct Conv {
  narrow::Geometry geometry;
  narrow::Epilogue epilogue{0.05F, 0.95F * 0.4F};  // a knee at 0.4
  int width = 0, height = 0;                       // of what goes in
  int outWidth() const { return (width + 2 * geometry.padW - geometry.kernelW) / geometry.strideW + 1; }
  int outHeight() const { return (height + 2 * geometry.padH - geometry.kernelH) / geometry.strideH + 1; }
};

float activated(const narrow::Epilogue& e, double x) {
  if (std::isinf(e.gap)) return static_cast<float>(x);
  const double knee = e.gap / (1.0 - e.leak);
  return static_cast<float>(x <= 0 ? e.leak * x : (x > knee ? knee + e.leak * (x - knee) : x));
}

/// Channels last.
std::vector<float> plainly(const Conv& c, const std::vector<float>& in, const std::vector<float>& weights,
                           const std::vector<float>& bias) {
  const narrow::Geometry& g = c.geometry;
  std::vector<float> out;
  for (int y = 0; y < c.outHeight(); ++y) {
    for (int x = 0; x < c.outWidth(); ++x) {
      for (int f = 0; f < g.filters; ++f) {
        double sum = bias[static_cast<size_t>(f)];
        for (int ky = 0; ky < g.kernelH; ++ky) {
          for (int kx = 0; kx < g.kernelW; ++kx) {
            const int sy = y * g.strideH - g.padH + ky;
            const int sx = x * g.strideW - g.padW + kx;
            if (sy < 0 || sx < 0 || sy >= c.height || sx >= c.width) continue;
            for (int ch = 0; ch < g.channels; ++ch) {
              sum += static_cast<double>(in[static_cast<size_t>((sy * c.width + sx) * g.channels + ch)]) *
                     weights[static_cast<size_t>(((f * g.channels + ch) * g.kernelH + ky) * g.kernelW + kx)];
            }
          }
        }
        out.push_back(activated(c.epilogue, sum));
      }
    }
  }
  return out;
}

struct Made {
  Conv conv;
  std::vector<float> weights, bias;
  std::shared_ptr<const narrow::Weights> packed;
};
Made make(const Conv& conv) {
  const narrow::Geometry& g = conv.geometry;
  const int64_t each = int64_t{g.channels} * g.kernelW * g.kernelH;
  Made made{
      conv, draws(each * g.filters, 2.0F / std::sqrt(static_cast<float>(each))), draws(g.filters, 0.2F), {}};
  made.packed = std::make_shared<const narrow::Weights>(g, made.weights.data(), made.bias.data());
  return made;
}

/// Of `batch` items, in float.
std::vector<float> inTiles(narrow::Unit unit, const std::vector<Made>& layers, const std::vector<float>& in,
                           int batch, int threads, int64_t cache, bool floatsIn, bool floatsOut) {
  std::vector<strips::ChainLayer> chained;
  for (const Made& m : layers)
    chained.push_back({std::make_shared<narrow::NarrowLayer>(m.packed, unit, m.conv.epilogue),
                       m.conv.outWidth(), m.conv.outHeight(), strips::Values::kBf16});
  if (floatsOut) chained.back().out = strips::Values::kFloat;
  const strips::Chain chain(std::move(chained),
                            {layers[0].conv.width, layers[0].conv.height,
                             floatsIn ? strips::Values::kFloat : strips::Values::kBf16},
                            batch, threads, cache);
  std::vector<Bf16> narrow(in.size());
  for (size_t i = 0; i < in.size(); ++i) onednn::store(narrow[i], in[i]);
  const Conv& last = layers.back().conv;
  const auto count =
      static_cast<size_t>(int64_t{batch} * last.outWidth() * last.outHeight() * last.geometry.filters);
  std::vector<float> out(count);
  std::vector<Bf16> narrowOut(count);
  const Buffer scratch(static_cast<size_t>(chain.scratchBytes()));
  std::memset(scratch.data(), 0xff, scratch.bytes());  // NaN: what is not written must not be read
  WorkerThread worker(threads);
  worker.run([&] {
    chain.run(floatsIn ? static_cast<const void*>(in.data()) : narrow.data(),
              floatsOut ? static_cast<void*>(out.data()) : narrowOut.data(), scratch.data(), nullptr);
  });
  if (!floatsOut)
    std::transform(narrowOut.begin(), narrowOut.end(), out.begin(),
                   [](Bf16 x) { return onednn::toFloat(x); });
  return out;
}

std::vector<Conv> shapes() {
  using narrow::Geometry;
  return {{Geometry{1, 32, 5, 5, 1, 1, 2, 2}, {0.05F, 0.38F}, 40, 21},
          {Geometry{32, 16, 2, 2, 2, 2}, {}, 50, 30},
          {Geometry{16, 24, 3, 3, 1, 1, 1, 1}, {0.05F, 0.38F}, 35, 20},
          {Geometry{24, 32, 3, 3, 1, 1, 1, 1}, {}, 16, 16},
          {Geometry{64, 128, 1, 1}, {0.05F, 0.38F}, 33, 7},
          {Geometry{3, 5, 3, 3, 1, 1, 1, 1}, {}, 19, 9},
          {Geometry{7, 117, 1, 1}, {}, 5, 6},
          {Geometry{13, 40, 3, 2, 2, 1, 2, 0}, {}, 23, 11},
          {Geometry{96, 33, 3, 3, 2, 2, 0, 0}, {0.0F, 0.4F}, 31, 17},
          {Geometry{46, 20, 3, 3, 1, 1, 1, 1}, {}, 9, 9},
          {Geometry{40, 65, 4, 1, 1, 1, 3, 0}, {1.0F, 0.0F}, 18, 3},
          {Geometry{2, 1, 1, 1}, {}, 1, 1},
          {Geometry{31, 48, 7, 7, 3, 3, 3, 3}, {0.05F, 0.38F}, 30, 30},
          {Geometry{192, 128, 2, 2, 2, 2}, {}, 34, 6},
          // Operands put elsewhere: taps read apart, and maps packed for many filters.
          {Geometry{64, 33, 3, 3, 1, 1, 1, 1}, {0.05F, 0.38F}, 37, 9},
          {Geometry{128, 48, 3, 3, 1, 1, 1, 1}, {}, 50, 5},
          {Geometry{512, 260, 1, 1}, {0.05F, 0.38F}, 37, 4},
          {Geometry{512, 256, 1, 1}, {}, 9, 3},
          {Geometry{192, 272, 2, 2, 2, 2}, {}, 70, 6},
          // One channel, whose rows are braided.
          {Geometry{1, 17, 3, 3, 1, 1, 1, 1}, {}, 33, 7},
          {Geometry{1, 33, 7, 7, 2, 2, 3, 3}, {0.05F, 0.38F}, 41, 23},
          {Geometry{1, 20, 9, 3, 2, 1, 0, 1}, {}, 15, 5},
          {Geometry{1, 40, 2, 8, 1, 3, 1, 0}, {}, 50, 20}};
}

std::vector<narrow::Unit> units() {
  test::provideAmx();
  return {narrow::Unit::kVectors, narrow::Unit::kAmx};
}

#define NEEDS_BF16 \
  *doctest::skip(!onednn::hasBf16()) * doctest::description("needs a CPU with AVX-512 for BF16")

}  // namespace

TEST_CASE(
    "products of tiles are the convolution, of every shape, float and bfloat16 at both ends" NEEDS_BF16) {
  for (const narrow::Unit unit : units()) {
    CAPTURE(unit);
    for (const Conv& conv : shapes()) {
      const Made made = make(conv);
      const std::vector<float> in = draws(int64_t{conv.width} * conv.height * conv.geometry.channels, 1.0F);
      const std::vector<float> expected = plainly(conv, in, made.weights, made.bias);
      CAPTURE(conv.geometry.channels);
      CAPTURE(conv.geometry.filters);
      CAPTURE(conv.geometry.kernelW);
      for (const bool floatsIn : {false, true}) {
        if (floatsIn && conv.geometry.channels > 1) continue;
        const std::vector<float> exact = inTiles(unit, {made}, in, 1, 1, kCache, floatsIn, true);
        REQUIRE(exact.size() == expected.size());
        CHECK(test::worst(exact.data(), expected.data(), static_cast<int64_t>(exact.size()), 1e-5, 1e-5) <=
              1.0);
        const std::vector<float> narrow = inTiles(unit, {made}, in, 1, 1, kCache, floatsIn, false);
        for (size_t i = 0; i < narrow.size(); ++i) CHECK(narrow[i] == rounded(exact[i]));
      }
    }
  }
}

TEST_CASE(
    "a chain in strips is its layers one by one, at any batch, cache and number of threads" NEEDS_BF16) {
  for (const narrow::Unit unit : units()) {
    CAPTURE(unit);
    using narrow::Geometry;
    const narrow::Epilogue relu{0.05F, 0.38F};
    const std::vector<Made> layers = {make({Geometry{1, 32, 5, 5, 1, 1, 2, 2}, relu, 83, 51}),
                                      make({Geometry{32, 24, 2, 2, 2, 2}, relu, 83, 51}),
                                      make({Geometry{24, 40, 1, 1}, relu, 41, 25}),
                                      make({Geometry{40, 20, 2, 2, 2, 2}, relu, 41, 25})};
    for (size_t i = 1; i < layers.size(); ++i)
      CHECK(narrow::canFollow(layers[i].conv.geometry, narrow::Element::kBf16));
    const int64_t item = 83 * 51;
    const std::vector<float> in = draws(3 * item, 2.0F);
    std::vector<float> flow = in;
    for (size_t i = 0; i < layers.size(); ++i)
      flow = inTiles(unit, {layers[i]}, flow, 3, 1, kCache, i == 0, false);
    for (const int threads : {1, 2, 3}) {
      for (const int64_t cache : {int64_t{1}, int64_t{100'000}, kCache}) {
        CHECK(inTiles(unit, layers, in, 3, threads, cache, true, false) == flow);
        const std::vector<float> lone(in.begin() + item, in.begin() + 2 * item);
        const auto each = static_cast<std::ptrdiff_t>(flow.size() / 3);
        CHECK(inTiles(unit, layers, lone, 1, threads, cache, true, false) ==
              std::vector<float>(flow.begin() + each, flow.begin() + 2 * each));
      }
    }
  }
}

TEST_CASE("a layer that would pack its map alone reads it as it is in a chain" NEEDS_BF16) {
  for (const narrow::Unit unit : units()) {
    CAPTURE(unit);
    using narrow::Geometry;
    const std::vector<Made> layers = {make({Geometry{16, 512, 3, 3, 1, 1, 1, 1}, {}, 37, 20}),
                                      make({Geometry{512, 260, 1, 1}, {}, 37, 20})};
    REQUIRE(narrow::canFollow(layers[1].conv.geometry, narrow::Element::kBf16));
    const std::vector<float> in = draws(2 * 37 * 20 * 16, 1.0F);
    const std::vector<float> between = inTiles(unit, {layers[0]}, in, 2, 1, kCache, false, false);
    const std::vector<float> expected = inTiles(unit, {layers[1]}, between, 2, 1, kCache, false, false);
    for (const int threads : {1, 2})
      CHECK(inTiles(unit, layers, in, 2, threads, kCache, false, false) == expected);
  }
}

TEST_CASE("NaN and infinity reach the pixels whose kernels cover them, and no other" NEEDS_BF16) {
  for (const narrow::Unit unit : units()) {
    CAPTURE(unit);
    for (const Conv& conv : shapes()) {
      const Made made = make(conv);
      const narrow::Geometry& g = conv.geometry;
      for (const float odd :
           {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        std::vector<float> in(static_cast<size_t>(int64_t{conv.width} * conv.height * g.channels), 0.25F);
        const int px = conv.width / 2;
        const int py = conv.height / 2;
        in[static_cast<size_t>((py * conv.width + px) * g.channels)] = odd;
        const std::vector<float> out = inTiles(unit, {made}, in, 1, 1, kCache, false, true);
        for (int y = 0; y < conv.outHeight(); ++y) {
          for (int x = 0; x < conv.outWidth(); ++x) {
            const int ky = py - (y * g.strideH - g.padH);
            const int kx = px - (x * g.strideW - g.padW);
            const bool covered = ky >= 0 && kx >= 0 && ky < g.kernelH && kx < g.kernelW;
            const float value = out[static_cast<size_t>((y * conv.outWidth() + x) * g.filters)];
            if (!covered) CHECK(std::isfinite(value));
            if (covered && std::isnan(odd)) CHECK(std::isnan(value));
          }
        }
      }
    }
  }
}

TEST_CASE("a network in BF16 on AMX gives the same at every batch and number of threads" NEEDS_BF16) {
  const test::AmxThere amx;
  const auto network = std::make_shared<Network>(buildArchitecture("sdc1", 3));
  const Extent extent{64, 48, 1};
  const int64_t in = Shape{extent, 1}.values();
  constexpr int kBatch = 2;
  const std::vector<float> x = test::ramp(kBatch * in);
  std::vector<float> first;
  for (const int threads : {1, 3}) {
    EngineOptions options;
    options.computeType = ComputeType::kBf16cFp32a;
    options.threads = threads;
    const auto engine = createEngine("onednn", network, options);
    std::vector<float> together(static_cast<size_t>(kBatch * engine->outputValues(extent)));
    std::vector<float> apart(together.size());
    engine->forward(extent, kBatch, x.data(), together.data());
    for (int n = 0; n < kBatch; ++n)
      engine->forward(extent, 1, x.data() + n * in, apart.data() + n * engine->outputValues(extent));
    if (first.empty()) first = together;
    CHECK(together == first);
    CHECK(apart == first);
  }
}
