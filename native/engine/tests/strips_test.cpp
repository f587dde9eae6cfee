// Convolutions in FP32 in strips of rows, against sums in double.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "engine/avx512/direct.h"
#include "engine/onednn/cpu.h"
#include "engine/registry/registry.h"
#include "engine/roofline/rates.h"
#include "engine/strips/chain.h"
#include "engine/tests/check.h"
#include "engine/tests/inputs.h"
#include "engine/threads/worker_thread.h"
#include "model/architectures.h"
#include "tensor/buffer.h"

using namespace otf;
using strips::Geometry;

namespace {

constexpr int64_t kCache = 2 << 20;
constexpr Epilogue kRelu{0.05F, 0.95F * 0.4F};  // a knee at 0.4

test::Draws draws;

struct Conv {
  Geometry geometry;
  int width = 0, height = 0;  // of what goes in
  std::vector<float> weights, bias;
  std::shared_ptr<const strips::Layer> layer;

  Conv(const Geometry& g, int w, int h) : geometry(g), width(w), height(h), bias(draws(g.filters, 0.2F)) {
    const int64_t each = int64_t{g.channels} * g.kernelW * g.kernelH;
    weights = draws(each * g.filters, 2.0F / std::sqrt(static_cast<float>(each)));
    layer = std::make_shared<avx512::DirectLayer>(
        std::make_shared<avx512::DirectWeights>(g, weights.data(), bias.data()), kRelu);
  }
  int outWidth() const { return (width + 2 * geometry.padW - geometry.kernelW) / geometry.strideW + 1; }
  int outHeight() const { return (height + 2 * geometry.padH - geometry.kernelH) / geometry.strideH + 1; }
  int64_t inputs() const { return int64_t{width} * height * geometry.channels; }
  int64_t outputs() const { return int64_t{outWidth()} * outHeight() * geometry.filters; }
};

/// Channels last.
std::vector<float> plainly(const Conv& c, const std::vector<float>& in) {
  const Geometry& g = c.geometry;
  std::vector<float> out;
  for (int y = 0; y < c.outHeight(); ++y) {
    for (int x = 0; x < c.outWidth(); ++x) {
      for (int f = 0; f < g.filters; ++f) {
        double sum = c.bias[static_cast<size_t>(f)];
        for (int tap = 0; tap < g.kernelW * g.kernelH; ++tap) {
          const int sy = y * g.strideH - g.padH + tap / g.kernelW;
          const int sx = x * g.strideW - g.padW + tap % g.kernelW;
          if (sy < 0 || sx < 0 || sy >= c.height || sx >= c.width) continue;
          for (int ch = 0; ch < g.channels; ++ch) {
            const int64_t weight = (int64_t{f} * g.channels + ch) * g.kernelW * g.kernelH + tap;
            sum +=
                static_cast<double>(in[static_cast<size_t>((int64_t{sy} * c.width + sx) * g.channels + ch)]) *
                c.weights[static_cast<size_t>(weight)];
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

std::vector<float> inStrips(const std::vector<Conv>& layers, const std::vector<float>& in, int batch,
                            int threads, int64_t cache) {
  std::vector<strips::ChainLayer> chained;
  for (const Conv& c : layers)
    chained.push_back({c.layer, c.outWidth(), c.outHeight(), strips::Values::kFloat});
  const strips::Chain chain(std::move(chained), {layers[0].width, layers[0].height, strips::Values::kFloat},
                            batch, threads, cache);
  std::vector<float> out(static_cast<size_t>(batch * layers.back().outputs()), NAN);
  const Buffer scratch(static_cast<size_t>(chain.scratchBytes()));
  std::fill_n(scratch.floats(), scratch.bytes() / sizeof(float),
              NAN);  // what is not written must not be read
  WorkerThread worker(threads);
  worker.run([&] { chain.run(in.data(), out.data(), scratch.data(), nullptr); });
  return out;
}

std::vector<Conv> shapes() {
  return {{{1, 32, 5, 5, 1, 1, 2, 2}, 40, 21},  {{32, 16, 2, 2, 2, 2}, 50, 30},
          {{16, 24, 3, 3, 1, 1, 1, 1}, 35, 20}, {{64, 128, 1, 1}, 33, 7},
          {{3, 5, 3, 3, 1, 1, 1, 1}, 19, 9},    {{7, 117, 1, 1}, 5, 6},
          {{13, 40, 3, 2, 2, 1, 2, 0}, 23, 11}, {{96, 33, 3, 3, 2, 2, 0, 0}, 31, 17},
          {{40, 65, 4, 1, 1, 1, 3, 0}, 18, 3},  {{2, 1, 1, 1}, 1, 1},
          {{31, 48, 7, 7, 3, 3, 3, 3}, 30, 30}};
}

#define NEEDS_AVX512 *doctest::skip(!onednn::hasAvx512()) * doctest::description("needs a CPU with AVX-512")

}  // namespace

TEST_CASE("direct sums are the convolution, of every shape" NEEDS_AVX512) {
  for (const Conv& conv : shapes()) {
    const std::vector<float> in = draws(conv.inputs(), 2.0F);
    const std::vector<float> expected = plainly(conv, in);
    const std::vector<float> out = inStrips({conv}, in, 1, 1, kCache);
    CAPTURE(conv.geometry.channels);
    CAPTURE(conv.geometry.filters);
    CAPTURE(conv.geometry.kernelW);
    REQUIRE(out.size() == expected.size());
    CHECK(test::worst(out.data(), expected.data(), std::ssize(out), 2e-6, 2e-6) <= 1.0);
  }
}

TEST_CASE(
    "a chain in FP32 is its layers one by one, at any batch, cache and number of threads" NEEDS_AVX512) {
  const std::vector<Conv> layers = {{{1, 32, 5, 5, 1, 1, 2, 2}, 83, 51},
                                    {{32, 24, 2, 2, 2, 2}, 83, 51},
                                    {{24, 40, 1, 1}, 41, 25},
                                    {{40, 20, 2, 2, 2, 2}, 41, 25}};
  for (size_t i = 1; i < layers.size(); ++i) CHECK(layers[i].geometry.readsOnce());
  const int64_t item = layers[0].inputs();
  const std::vector<float> in = draws(3 * item, 2.0F);
  std::vector<float> flow = in;
  for (const Conv& layer : layers) flow = inStrips({layer}, flow, 3, 1, kCache);
  for (const int threads : {1, 2, 3}) {
    for (const int64_t cache : {int64_t{1}, int64_t{100'000}, kCache}) {
      CHECK(inStrips(layers, in, 3, threads, cache) == flow);
      const std::vector<float> lone(in.begin() + item, in.begin() + 2 * item);
      const auto each = static_cast<std::ptrdiff_t>(flow.size() / 3);
      CHECK(inStrips(layers, lone, 1, threads, cache) ==
            std::vector<float>(flow.begin() + each, flow.begin() + 2 * each));
    }
  }
}

TEST_CASE("NaN reaches the pixels whose kernels cover it, and no other" NEEDS_AVX512) {
  for (const Conv& conv : shapes()) {
    const Geometry& g = conv.geometry;
    std::vector<float> in(static_cast<size_t>(conv.inputs()), 0.25F);
    const int px = conv.width / 2;
    const int py = conv.height / 2;
    in[static_cast<size_t>((int64_t{py} * conv.width + px) * g.channels)] =
        std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> out = inStrips({conv}, in, 1, 1, kCache);
    for (int64_t i = 0; i < std::ssize(out); ++i) {
      const int64_t pixel = i / g.filters;
      const int64_t down = py + g.padH - pixel / conv.outWidth() * g.strideH;
      const int64_t right = px + g.padW - pixel % conv.outWidth() * g.strideW;
      const bool covered = down >= 0 && right >= 0 && down < g.kernelH && right < g.kernelW;
      CHECK(std::isnan(out[static_cast<size_t>(i)]) == covered);
    }
  }
}

TEST_CASE(
    "the first layers of the SDC1 network are done so in FP32, and give what the plain engine "
    "gives" NEEDS_AVX512) {
  auto network = std::make_shared<Network>(buildArchitecture("sdc1", 3));
  network->layers.resize(4);
  const Extent extent{256, 192, 1};
  REQUIRE(int64_t{256} * 192 * 32 * int64_t{sizeof(float)} > roofline::cacheBytes());
  const std::vector<float> x = test::ramp(Shape{extent, 1}.values());
  EngineOptions options;
  options.threads = 2;
  const auto engine = createEngine("onednn", network, options);
  std::vector<float> out(static_cast<size_t>(engine->outputValues(extent)));
  std::vector<float> expected(out.size());
  const auto layers = engine->profile(extent, 1, x.data(), out.data());
  CHECK(layers[0].kernel == "strips:avx512");
  CHECK(layers[1].follows);
  CHECK(layers[0].seconds > 0.0);
  CHECK(layers[1].seconds > 0.0);
  CHECK_FALSE(layers[2].follows);
  createEngine("reference", network, options)->forward(extent, 1, x.data(), expected.data());
  CHECK(test::worst(out.data(), expected.data(), std::ssize(out), 2e-5, 2e-5) <= 1.0);
}
