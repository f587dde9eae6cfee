// Convolutions of 3x3 by Winograd's transforms, against sums in double.
#include "engine/winograd/winograd.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "engine/cpu/bf16.h"
#include "engine/onednn/cpu.h"
#include "engine/registry/registry.h"
#include "engine/tests/check.h"
#include "engine/tests/emulated_amx.h"
#include "engine/tests/inputs.h"
#include "engine/threads/worker_thread.h"
#include "engine/winograd/transform.h"
#include "model/architectures.h"
#include "tensor/buffer.h"

using namespace otf;
using strips::Values;

namespace {

constexpr int64_t kCache = 2 << 20;
constexpr Epilogue kRelu{0.05F, 0.95F * 0.4F};  // a knee at 0.4

test::Draws draws;

int64_t inputsOf(const winograd::Shape& s) { return int64_t{s.width} * s.height * s.channels; }
int64_t outputsOf(const winograd::Shape& s) { return int64_t{s.outWidth()} * s.outHeight() * s.filters; }

struct Made {
  explicit Made(const winograd::Shape& given, Values values = Values::kFloat)
      : shape(given),
        weights(draws(int64_t{9} * given.channels * given.filters,
                      2.0F / std::sqrt(9.0F * static_cast<float>(given.channels)))),
        bias(draws(given.filters, 0.2F)),
        packed(std::make_shared<const winograd::Weights>(given.channels, given.filters, values,
                                                         weights.data(), bias.data())) {}
  winograd::Shape shape;
  std::vector<float> weights, bias;
  std::shared_ptr<const winograd::Weights> packed;
};

float activated(double x) {
  const double knee = kRelu.gap / (1.0 - kRelu.leak);
  return static_cast<float>(x <= 0 ? kRelu.leak * x : (x > knee ? knee + kRelu.leak * (x - knee) : x));
}

/// Channels last.
std::vector<float> plainly(const Made& m, const float* in) {
  const winograd::Shape& s = m.shape;
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
        out.push_back(activated(sum));
      }
    }
  }
  return out;
}

float narrowed(float x) { return toFloat(toBf16(x)); }

/// Four values times the columns of B.
std::array<float, 4> pointsOf(float a, float b, float c, float d) { return {a - c, b + c, c - b, d - b}; }

/// The same by points, in double but for what is multiplied: bfloat16.
std::vector<float> byRoundedPoints(const Made& m, const float* in) {
  const winograd::Shape& s = m.shape;
  std::vector<float> out(static_cast<size_t>(outputsOf(s)));
  std::vector<std::array<float, 16>> points(static_cast<size_t>(s.channels));
  for (int top = 0; top < s.outHeight(); top += 2) {
    for (int left = 0; left < s.outWidth(); left += 2) {
      for (int c = 0; c < s.channels; ++c) {
        const auto pixel = [&](int y, int x) {
          const int sy = top - s.padH + y;
          const int sx = left - s.padW + x;
          if (sy < 0 || sx < 0 || sy >= s.height || sx >= s.width) return 0.0F;
          return in[(int64_t{sy} * s.width + sx) * s.channels + c];
        };
        std::array<std::array<float, 4>, 4> columns{};
        for (int x = 0; x < 4; ++x)
          columns[static_cast<size_t>(x)] = pointsOf(pixel(0, x), pixel(1, x), pixel(2, x), pixel(3, x));
        for (size_t y = 0; y < 4; ++y) {
          const auto row = pointsOf(columns[0][y], columns[1][y], columns[2][y], columns[3][y]);
          for (size_t x = 0; x < 4; ++x) points[static_cast<size_t>(c)][y * 4 + x] = narrowed(row[x]);
        }
      }
      for (int f = 0; f < s.filters; ++f) {
        std::array<double, 16> sums{};
        for (int c = 0; c < s.channels; ++c) {
          const auto kernel = winograd::kernelPoints(m.weights.data() + (int64_t{f} * s.channels + c) * 9);
          for (size_t p = 0; p < 16; ++p)
            sums[p] += static_cast<double>(points[static_cast<size_t>(c)][p]) *
                       narrowed(static_cast<float>(kernel[p]));
        }
        for (int y = 0; y < 2 && top + y < s.outHeight(); ++y) {
          for (int x = 0; x < 2 && left + x < s.outWidth(); ++x) {
            // A^T, of which each row has three: 1 1 1 0 and 0 1 -1 1.
            double sum = m.bias[static_cast<size_t>(f)];
            for (int i = y; i < y + 3; ++i) {
              for (int j = x; j < x + 3; ++j) {
                const double sign = (y == 1 && i == 2 ? -1.0 : 1.0) * (x == 1 && j == 2 ? -1.0 : 1.0);
                sum += sign * sums[static_cast<size_t>(i * 4 + j)];
              }
            }
            out[static_cast<size_t>((int64_t{top + y} * s.outWidth() + left + x) * s.filters + f)] =
                activated(sum);
          }
        }
      }
    }
  }
  return out;
}

template <typename To, typename From>
std::vector<To> byPoints(const Made& m, const std::vector<From>& in, int batch, int threads, int64_t cache,
                         Unit unit = Unit::kVectors) {
  const Values values = std::is_same_v<To, Bf16> ? Values::kBf16 : Values::kFloat;
  const winograd::Convolution convolution(m.packed, unit, kRelu, m.shape, values, batch, threads, cache);
  std::vector<To> out(static_cast<size_t>(batch * outputsOf(m.shape)));
  std::memset(out.data(), 0xff, out.size() * sizeof(To));
  const Buffer scratch(static_cast<size_t>(convolution.scratchBytes()));
  std::memset(scratch.data(), 0xff, scratch.bytes());  // NaN: what is not written must not be read
  WorkerThread worker(threads);
  worker.run([&] { convolution.run(in.data(), out.data(), scratch.data()); });
  return out;
}

std::vector<winograd::Shape> shapes() {
  return {{1, 1, 0, 0, 3, 3},   {1, 1, 1, 1, 1, 1},      {16, 32, 1, 1, 12, 10},
          {37, 45, 1, 1, 9, 7}, {24, 33, 0, 1, 21, 8},   {64, 96, 2, 2, 14, 15},
          {5, 31, 2, 0, 6, 30}, {130, 64, 1, 1, 40, 13}, {3, 200, 1, 0, 50, 3}};
}

std::vector<Bf16> narrowed(const std::vector<float>& wide) {
  std::vector<Bf16> narrow(wide.size());
  std::transform(wide.begin(), wide.end(), narrow.begin(), toBf16);
  return narrow;
}
std::vector<uint16_t> bitsOf(const std::vector<Bf16>& values) {
  std::vector<uint16_t> bits(values.size());
  std::transform(values.begin(), values.end(), bits.begin(), [](Bf16 x) { return x.bits; });
  return bits;
}

#define NEEDS_AVX512 *doctest::skip(!onednn::hasAvx512()) * doctest::description("needs a CPU with AVX-512")
#define NEEDS_BF16 \
  *doctest::skip(!onednn::hasBf16()) * doctest::description("needs a CPU with AVX-512 for BF16")

}  // namespace

TEST_CASE(
    "products of points are the convolution, of every shape, at any batch, cache and threads" NEEDS_AVX512) {
  for (const winograd::Shape& shape : shapes()) {
    const Made made(shape);
    constexpr int kBatch = 3;
    const std::vector<float> in = draws(kBatch * inputsOf(shape), 2.0F);
    CAPTURE(shape.channels);
    CAPTURE(shape.filters);
    const std::vector<float> first = byPoints<float>(made, in, kBatch, 1, kCache);
    for (int n = 0; n < kBatch; ++n) {
      const std::vector<float> expected = plainly(made, in.data() + n * inputsOf(shape));
      REQUIRE(std::ssize(expected) == outputsOf(shape));
      // A tenth of what CIANNA's own outputs are held to.
      CHECK(test::worst(first.data() + n * outputsOf(shape), expected.data(), outputsOf(shape), 2e-6, 2e-6) <=
            1.0);
    }
    for (const int threads : {1, 2, 5}) {
      for (const int64_t cache : {int64_t{1}, kCache}) {
        CHECK(byPoints<float>(made, in, kBatch, threads, cache) == first);
        const std::vector<float> lone(in.begin() + inputsOf(shape), in.begin() + 2 * inputsOf(shape));
        CHECK(byPoints<float>(made, lone, 1, threads, cache) ==
              std::vector<float>(first.begin() + outputsOf(shape), first.begin() + 2 * outputsOf(shape)));
      }
    }
  }
}

TEST_CASE(
    "in BF16 what is multiplied is rounded and nothing else, at any batch, cache and threads" NEEDS_BF16) {
  test::provideAmx();
  for (const Unit unit : {Unit::kVectors, Unit::kAmx}) {
    for (const winograd::Shape& shape : shapes()) {
      CAPTURE(unit);
      const Made made(shape, Values::kBf16);
      constexpr int kBatch = 3;
      std::vector<float> wide = draws(kBatch * inputsOf(shape), 2.0F);
      for (float& x : wide) x = narrowed(x);
      const std::vector<Bf16> in = narrowed(wide);
      CAPTURE(shape.channels);
      CAPTURE(shape.filters);
      const std::vector<float> first = byPoints<float>(made, in, kBatch, 1, kCache, unit);
      for (int n = 0; n < kBatch; ++n) {
        const std::vector<float> expected = byRoundedPoints(made, wide.data() + n * inputsOf(shape));
        CHECK(test::worst(first.data() + n * outputsOf(shape), expected.data(), outputsOf(shape), 1e-5,
                          1e-5) <= 1.0);
      }
      const std::vector<Bf16> out = narrowed(first);
      for (const int threads : {1, 2, 5}) {
        for (const int64_t cache : {int64_t{1}, kCache}) {
          CHECK(byPoints<float>(made, in, kBatch, threads, cache, unit) == first);
          CHECK(bitsOf(byPoints<Bf16>(made, in, kBatch, threads, cache, unit)) == bitsOf(out));
          const std::vector<Bf16> lone(in.begin() + inputsOf(shape), in.begin() + 2 * inputsOf(shape));
          CHECK(byPoints<float>(made, lone, 1, threads, cache, unit) ==
                std::vector<float>(first.begin() + outputsOf(shape), first.begin() + 2 * outputsOf(shape)));
        }
      }
    }
  }
}

TEST_CASE(
    "NaN reaches the pixels whose kernels cover it and no tile beyond, and no other item" NEEDS_AVX512) {
  for (const winograd::Shape& shape : shapes()) {
    for (const Values values : {Values::kFloat, Values::kBf16}) {
      if (values == Values::kBf16 && !onednn::hasBf16()) continue;
      const Made made(shape, values);
      for (const float odd :
           {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        std::vector<float> in(static_cast<size_t>(2 * inputsOf(shape)), 0.25F);
        const int px = shape.width / 2;
        const int py = shape.height / 2;
        in[static_cast<size_t>((int64_t{py} * shape.width + px) * shape.channels)] = odd;
        const std::vector<float> out = values == Values::kFloat
                                           ? byPoints<float>(made, in, 2, 1, kCache)
                                           : byPoints<float>(made, narrowed(in), 2, 1, kCache);
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
}

TEST_CASE("it is taken where it is less work") {
  for (const Values values : {Values::kFloat, Values::kBf16}) {
    CHECK(winograd::pays({128, 192, 1, 1, 128, 128}, values, Unit::kVectors));
    CHECK(winograd::pays({768, 1024, 1, 1, 32, 32}, values, Unit::kVectors));
    CHECK_FALSE(winograd::pays({1, 32, 1, 1, 512, 512}, values, Unit::kVectors));  // nothing to sum
    CHECK_FALSE(
        winograd::pays({128, 4, 1, 1, 128, 128}, values, Unit::kVectors));         // most of a panel is empty
    CHECK_FALSE(winograd::pays({768, 1024, 0, 0, 3, 3}, values, Unit::kVectors));  // one pixel of a tile
    CHECK_FALSE(winograd::pays({768, 1024, 0, 0, 2, 2}, values, Unit::kVectors));  // none
  }
  CHECK(winograd::pays({16, 24, 1, 1, 256, 256}, Values::kFloat, Unit::kVectors));
  CHECK_FALSE(
      winograd::pays({16, 24, 1, 1, 256, 256}, Values::kBf16, Unit::kVectors));  // half of a vector is empty
  // Where products are cheap, transforms are not.
  CHECK(winograd::pays({768, 1024, 1, 1, 32, 32}, Values::kBf16, Unit::kAmx));
  CHECK(winograd::pays({48, 64, 1, 1, 128, 128}, Values::kBf16, Unit::kVectors));
  CHECK_FALSE(winograd::pays({48, 64, 1, 1, 128, 128}, Values::kBf16, Unit::kAmx));
}

namespace {

void checkSdc1(ComputeType type, const std::string& kernel, std::initializer_list<size_t> byPoints,
               const std::function<bool(const std::vector<float>&, const std::vector<float>&)>& isNear) {
  const auto network = std::make_shared<Network>(buildArchitecture("sdc1", 3));
  const Extent extent{96, 64, 1};
  const std::vector<float> x = test::ramp(2 * Shape{extent, 1}.values());
  std::vector<float> plain;
  for (const int threads : {1, 2, 3}) {
    EngineOptions options;
    options.computeType = type;
    options.threads = threads;
    options.rawOutput = true;  // the edges of boxes are positions, and as exact as those
    const auto engine = createEngine("onednn", network, options);
    std::vector<float> out(static_cast<size_t>(2 * engine->outputValues(extent)));
    const auto layers = engine->profile(extent, 2, x.data(), out.data());
    for (size_t i = 0; i < layers.size(); ++i) {
      CAPTURE(i);
      const bool taken = std::find(byPoints.begin(), byPoints.end(), i) != byPoints.end();
      CHECK(layers[i].kernel.ends_with(kernel) == taken);
      CHECK(layers[i].arithmetic == (taken ? 16.0 / 36.0 : 1.0));
    }
    if (plain.empty()) {
      plain.resize(out.size());
      options.computeType = ComputeType::kFp32cFp32a;
      createEngine("reference", network, options)->forward(extent, 2, x.data(), plain.data());
    }
    CHECK(isNear(out, plain));
  }
}

}  // namespace

TEST_CASE("the SDC1 network's layers of 3x3 are done so, and its output is the plain engine's" NEEDS_AVX512) {
  checkSdc1(ComputeType::kFp32cFp32a, "winograd:avx512", {2, 3, 6, 9, 11, 14},
            [](const std::vector<float>& out, const std::vector<float>& plain) {
              return test::worst(out.data(), plain.data(), std::ssize(out), 2e-5, 2e-5) <= 1.0;
            });
}

TEST_CASE("in BF16 those of many channels are" * doctest::skip(!onednn::hasBf16() || onednn::hasAmx()) *
          doctest::description("needs a CPU with AVX-512 for BF16 and without AMX")) {
  checkSdc1(ComputeType::kBf16cFp32a, "winograd:avx512_bf16", {6, 9, 11, 14},
            [](const std::vector<float>& out, const std::vector<float>& plain) {
              // Of random weights: with direct sums in BF16 0.017 to 0.028 of the range.
              return test::worstOfRange(out, plain) <= 4e-2;
            });
}

TEST_CASE("and on AMX where it is asked for" NEEDS_BF16) {
  const test::AmxThere amx(true);
  checkSdc1(ComputeType::kBf16cFp32a, "winograd:amx_bf16", {6, 9, 11, 14},
            [](const std::vector<float>& out, const std::vector<float>& plain) {
              return test::worstOfRange(out, plain) <= 4e-2;
            });
}
