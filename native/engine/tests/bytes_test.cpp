// Convolutions in 8 bits as products of tiles, against sums of integers, bit for bit.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "engine/narrow/layer.h"
#include "engine/onednn/cpu.h"
#include "engine/onednn/layout.h"
#include "engine/strips/chain.h"
#include "engine/tests/check.h"
#include "engine/tests/emulated_amx.h"
#include "engine/tests/inputs.h"
#include "engine/threads/worker_thread.h"
#include "tensor/buffer.h"

using namespace otf;
using narrow::Geometry;
using narrow::Quantised;
using strips::Values;

namespace {

constexpr int64_t kCache = 2 << 20;
// A leak whose product is exact, so that nothing depends on what a compiler joins; a knee at 0.4.
constexpr Epilogue kRelu{0.0625F, 0.9375F * 0.4F};

test::Draws draws;

std::shared_ptr<const Quantised> quantised(int channels) {
  std::vector<float> low = draws(channels, 1.0F);
  std::vector<float> high = draws(channels, 1.0F);
  for (float& x : low) x = -std::fabs(x);
  for (float& x : high) x = std::fabs(x);
  low[0] = 0.0F;  // zero at an end
  if (channels > 2) high[1] = low[1] = 0.0F;
  return std::make_shared<const Quantised>(low, high);
}

uint8_t byteOf(const Quantised& how, int channel, float x) {
  const auto c = static_cast<size_t>(channel);
  const float scaled = std::fma(x, 1.0F / how.scale[c], static_cast<float>(how.zero[c]));
  return static_cast<uint8_t>(std::nearbyint(std::max(0.0F, scaled < 255.0F ? scaled : 255.0F)));
}

struct Conv {
  Geometry geometry;
  int width = 0, height = 0;  // of what goes in
  std::vector<float> weights, bias;
  std::shared_ptr<const Quantised> source, target;
  std::shared_ptr<const narrow::Weights> packed;

  Conv(const Geometry& g, int w, int h, std::shared_ptr<const Quantised> from = nullptr)
      : geometry(g), width(w), height(h), bias(draws(g.filters, 0.2F)) {
    const int64_t each = int64_t{g.channels} * g.kernelW * g.kernelH;
    weights = draws(each * g.filters, 2.0F / std::sqrt(static_cast<float>(each)));
    std::fill_n(weights.begin(), g.filters > 2 ? each : 0, 0.0F);  // a filter of nothing
    source = from ? std::move(from) : quantised(g.channels);
    target = quantised(g.filters);
    packed = std::make_shared<const narrow::Weights>(g, source, weights.data(), bias.data());
  }
  int outWidth() const { return (width + 2 * geometry.padW - geometry.kernelW) / geometry.strideW + 1; }
  int outHeight() const { return (height + 2 * geometry.padH - geometry.kernelH) / geometry.strideH + 1; }
  int64_t inputs() const { return int64_t{width} * height * geometry.channels; }
  int64_t outputs() const { return int64_t{outWidth()} * outHeight() * geometry.filters; }
};

std::vector<uint8_t> bytes(const Conv& c) {
  std::vector<uint8_t> values;
  for (const float x : draws(c.inputs(), 1.0F)) values.push_back(static_cast<uint8_t>(127.5F + 127.5F * x));
  return values;
}

/// Weights in bytes, as the rule in weights.h says it: one scale for a filter, the source's scales inside.
struct Filter {
  std::vector<int> bytes;
  float scale = 1.0F;
};
Filter filterOf(const Conv& c, int f) {
  const Geometry& g = c.geometry;
  const int taps = g.kernelW * g.kernelH;
  Filter filter;
  std::vector<float> scaled;
  float most = 0;
  for (int i = 0; i < taps * g.channels; ++i) {
    scaled.push_back(c.weights[static_cast<size_t>(int64_t{f} * taps * g.channels + i)] *
                     c.source->scale[static_cast<size_t>(i / taps)]);
    most = std::max(most, std::fabs(scaled.back()));
  }
  if (most > 0) filter.scale = most / 127.0F;
  for (const float x : scaled) filter.bytes.push_back(static_cast<int>(std::nearbyint(x / filter.scale)));
  return filter;
}

/// Floats, channels last: sums of whole numbers, and only then one multiplication and one addition, rounded once.
std::vector<float> plainly(const Conv& c, const std::vector<uint8_t>& in) {
  const Geometry& g = c.geometry;
  const int taps = g.kernelW * g.kernelH;
  std::vector<float> out(static_cast<size_t>(c.outputs()));
  for (int f = 0; f < g.filters; ++f) {
    const Filter filter = filterOf(c, f);
    for (int64_t pixel = 0; pixel < c.outputs() / g.filters; ++pixel) {
      const auto y = static_cast<int>(pixel / c.outWidth());
      const auto x = static_cast<int>(pixel % c.outWidth());
      int sum = 0;
      for (int tap = 0; tap < taps; ++tap) {
        const int sy = y * g.strideH - g.padH + tap / g.kernelW;
        const int sx = x * g.strideW - g.padW + tap % g.kernelW;
        if (sy < 0 || sx < 0 || sy >= c.height || sx >= c.width) continue;  // a value of zero counts nothing
        for (int ch = 0; ch < g.channels; ++ch) {
          const int byte = in[static_cast<size_t>((int64_t{sy} * c.width + sx) * g.channels + ch)];
          sum += (byte - c.source->zero[static_cast<size_t>(ch)]) *
                 filter.bytes[static_cast<size_t>(ch * taps + tap)];
        }
      }
      const float value = std::fma(static_cast<float>(sum), filter.scale, c.bias[static_cast<size_t>(f)]);
      const float below = value * kRelu.leak;
      out[static_cast<size_t>(pixel * g.filters + f)] = std::min(below + kRelu.gap, std::max(below, value));
    }
  }
  return out;
}

std::vector<uint8_t> narrowed(const Quantised& how, const std::vector<float>& values) {
  std::vector<uint8_t> out;
  for (size_t i = 0; i < values.size(); ++i)
    out.push_back(byteOf(how, static_cast<int>(i % how.scale.size()), values[i]));
  return out;
}

/// Of `batch` items; From and To are what goes in and comes out.
template <typename To, typename From>
std::vector<To> inTiles(narrow::Unit unit, const std::vector<Conv>& layers, const std::vector<From>& in,
                        Values from, Values to, int batch, int threads, int64_t cache) {
  std::vector<strips::ChainLayer> chained;
  for (const Conv& c : layers)
    chained.push_back({std::make_shared<narrow::NarrowLayer>(c.packed, unit, kRelu, c.target), c.outWidth(),
                       c.outHeight(), Values::kUnsigned8});
  chained.back().out = to;
  const strips::Chain chain(std::move(chained), {layers[0].width, layers[0].height, from}, batch, threads,
                            cache);
  std::vector<To> out(static_cast<size_t>(batch * layers.back().outputs()));
  const Buffer scratch(static_cast<size_t>(chain.scratchBytes()));
  std::memset(scratch.data(), 0xff, scratch.bytes());
  WorkerThread worker(threads);
  worker.run([&] { chain.run(in.data(), out.data(), scratch.data(), nullptr); });
  return out;
}

std::vector<Conv> shapes() {
  std::vector<Conv> all = {{{1, 32, 5, 5, 1, 1, 2, 2}, 40, 21},  {{32, 16, 2, 2, 2, 2}, 50, 30},
                           {{16, 24, 3, 3, 1, 1, 1, 1}, 35, 20}, {{64, 128, 1, 1}, 33, 7},
                           {{3, 5, 3, 3, 1, 1, 1, 1}, 19, 9},    {{7, 117, 1, 1}, 5, 6},
                           {{13, 40, 3, 2, 2, 1, 2, 0}, 23, 11}, {{96, 33, 3, 3, 2, 2, 0, 0}, 31, 17},
                           {{40, 65, 4, 1, 1, 1, 3, 0}, 18, 3},  {{2, 1, 1, 1}, 1, 1},
                           {{46, 20, 3, 3, 1, 1, 1, 1}, 9, 9},   {{256, 48, 3, 3, 1, 1, 1, 1}, 20, 6},
                           {{1024, 260, 1, 1}, 18, 2},           {{256, 272, 2, 2, 2, 2}, 38, 6}};
  // And any.
  for (int i = 0; i < 12; ++i) {
    const auto any = [](int least, int most) {
      return least + static_cast<int>(std::fabs(draws(1, 1.0F)[0]) * static_cast<float>(most - least));
    };
    const int kernel = any(1, 4);
    const Geometry g{any(1, 90), any(1, 70), kernel,         any(1, 4),
                     any(1, 3),  any(1, 3),  any(0, kernel), any(0, 2)};
    all.emplace_back(g, any(5, 40), any(5, 20));
  }
  return all;
}

/// What they give is the same.
std::vector<narrow::Unit> units() {
  test::provideAmx();
  return {narrow::Unit::kVectors, narrow::Unit::kAmx};
}

#define NEEDS_BYTES \
  *doctest::skip(!onednn::hasInt8()) * doctest::description("needs a CPU with AVX-512 for INT8 (VNNI)")

}  // namespace

TEST_CASE("products of bytes are the sums of whole numbers, of every shape" NEEDS_BYTES) {
  for (const narrow::Unit unit : units()) {
    CAPTURE(unit);
    for (const Conv& conv : shapes()) {
      CAPTURE(conv.geometry.channels);
      CAPTURE(conv.geometry.filters);
      CAPTURE(conv.geometry.kernelW);
      CAPTURE(conv.geometry.padW);
      const std::vector<uint8_t> in = bytes(conv);
      const std::vector<float> expected = plainly(conv, in);
      CHECK(inTiles<float>(unit, {conv}, in, Values::kUnsigned8, Values::kFloat, 1, 1, kCache) == expected);
      CHECK(inTiles<uint8_t>(unit, {conv}, in, Values::kUnsigned8, Values::kUnsigned8, 1, 1, kCache) ==
            narrowed(*conv.target, expected));
    }
  }
}

TEST_CASE("floats and bfloat16 become bytes on the way in, within their ranges and beyond" NEEDS_BYTES) {
  for (const narrow::Unit unit : units()) {
    CAPTURE(unit);
    for (const Conv& conv : shapes()) {
      CAPTURE(conv.geometry.channels);
      std::vector<float> wide = draws(conv.inputs(), 1.5F);
      wide[0] = std::numeric_limits<float>::quiet_NaN();
      wide[wide.size() / 2] = -std::numeric_limits<float>::infinity();
      std::vector<onednn::Bf16> narrow(wide.size());
      for (size_t i = 0; i < wide.size(); ++i) onednn::store(narrow[i], wide[i]);
      const auto expect = [&](const std::vector<float>& values) {
        return plainly(conv, narrowed(*conv.source, values));
      };
      CHECK(inTiles<float>(unit, {conv}, wide, Values::kFloat, Values::kFloat, 1, 1, kCache) == expect(wide));
      for (size_t i = 0; i < wide.size(); ++i) wide[i] = onednn::toFloat(narrow[i]);
      CHECK(inTiles<float>(unit, {conv}, narrow, Values::kBf16, Values::kFloat, 1, 1, kCache) ==
            expect(wide));
    }
  }
}

TEST_CASE(
    "a chain in bytes is its layers one by one, at any batch, cache and number of threads" NEEDS_BYTES) {
  for (const narrow::Unit unit : units()) {
    CAPTURE(unit);
    std::vector<Conv> layers = {{{16, 32, 3, 3, 1, 1, 1, 1}, 83, 51}};
    layers.emplace_back(Geometry{32, 64, 2, 2, 2, 2}, 83, 51, layers.back().target);
    layers.emplace_back(Geometry{64, 40, 1, 1}, 41, 25, layers.back().target);
    for (size_t i = 1; i < layers.size(); ++i)
      REQUIRE(narrow::canFollow(layers[i].geometry, narrow::Element::kInt8));
    std::vector<uint8_t> in;
    std::vector<uint8_t> expected;
    for (int n = 0; n < 3; ++n) {
      std::vector<uint8_t> flow = bytes(layers[0]);
      in.insert(in.end(), flow.begin(), flow.end());
      for (const Conv& layer : layers) flow = narrowed(*layer.target, plainly(layer, flow));
      expected.insert(expected.end(), flow.begin(), flow.end());
    }
    for (const int threads : {1, 2, 3}) {
      for (const int64_t cache : {int64_t{1}, int64_t{100'000}, kCache})
        CHECK(inTiles<uint8_t>(unit, layers, in, Values::kUnsigned8, Values::kUnsigned8, 3, threads, cache) ==
              expected);
    }
  }
}
