#include "detect/normalise.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "detect/order_statistics.h"
#include "detect/tests/fixtures.h"
#include "detect/vector_tanh.h"

using namespace otf;
using Kind = NormalisePlan::Operation::Kind;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();

/// The values in pieces of odd lengths, as many times as asked for.
PixelPass passOf(const std::vector<float>& values, int* passes = nullptr) {
  return [&values, passes](const PixelSink& sink) {
    if (passes) ++*passes;
    for (size_t i = 0; i < values.size(); i += 37)
      sink({&values[i], std::min<size_t>(37, values.size() - i)});
  };
}

/// numpy.percentile of the finite values, in double precision on a sorted copy.
double sortedPercentile(std::vector<float> values, double percentile) {
  std::erase_if(values, [](float x) { return !std::isfinite(x); });
  std::sort(values.begin(), values.end());
  const double position = percentile / 100 * double(values.size() - 1);
  const auto low = size_t(position), high = std::min(low + 1, values.size() - 1);
  return values[low] + (position - double(low)) * (double(values[high]) - values[low]);
}

double chainInDouble(const std::vector<NormaliseStep>& steps, double x) {
  double min = 0, max = 1;
  for (const NormaliseStep& s : steps) {
    switch (s.kind) {
      case NormaliseKind::kRescale:
        x = (x - min) / (max - min);
        break;
      case NormaliseKind::kLinear:
        x = s.a * x;
        break;
      case NormaliseKind::kSqrt:
        x = std::sqrt(s.a * x);
        break;
      case NormaliseKind::kLog1p:
        x = std::log(1 + s.a * x);
        break;
      case NormaliseKind::kTanh:
        x = std::tanh(s.a * x);
        break;
      default:
        x = std::min(std::max(x, s.a), s.b), min = s.a, max = s.b;
    }
  }
  return x;
}

void noPass(const PixelSink&) { FAIL("the image was read for nothing"); }

}  // namespace

TEST_CASE("the vector tanh is within 1.5 units in the last place of the double one") {
  double worst = 0;
  for (uint32_t bits = 0x00800000U; bits < 0x7F800000U; bits += 1009) {
    const float x = std::bit_cast<float>(bits);
    const double exact = std::tanh(double(x));
    const auto nearest = static_cast<float>(exact);
    const double unit = double(std::nextafter(nearest, 2.0F)) - nearest;
    worst = std::max(worst, std::abs(vectorTanh(x) - exact) / unit);
    REQUIRE(vectorTanh(-x) == -vectorTanh(x));
    REQUIRE(vectorTanh(x) <= 1.0F);
  }
  MESSAGE("worst error " << worst << " units");
  CHECK(worst < 1.5);
  CHECK(vectorTanh(kInf) == 1.0F);
  CHECK(vectorTanh(-kInf) == -1.0F);
  CHECK(vectorTanh(0.0F) == 0.0F);
  CHECK(std::isnan(vectorTanh(kNan)));
}

TEST_CASE("chains equal the double-precision formula to float rounding") {
  constexpr uint32_t kSeed = 7;
  MESSAGE("seed " << kSeed);
  std::mt19937 random(kSeed);
  std::uniform_real_distribution<float> value(-2e-5F, 6e-5F);
  std::vector<float> pixels(10007);
  for (float& x : pixels) x = value(random);
  using N = NormaliseKind;
  const std::vector<std::vector<NormaliseStep>> chains{
      {{N::kClip, 4e-7, 4e-5}, {N::kRescale}, {N::kTanh, 3}},
      {{N::kClip, 0, 4e-5}, {N::kSqrt, 1e5}},
      {{N::kClip, 1e-6, 4e-5}, {N::kRescale}, {N::kLog1p, 100}, {N::kLinear, 0.2}},
      {{N::kLinear, 1e5}, {N::kClip, -1, 2}, {N::kRescale}},
      {}};
  for (const auto& chain : chains) {
    const NormalisePlan plan = resolveNormalisation(chain, noPass);
    std::vector<float> out(pixels.size()), inPlace = pixels;
    const PixelCounts counts = applyNormalisation(plan, pixels.data(), out.data(), pixels.size());
    applyNormalisation(plan, inPlace.data(), inPlace.data(), inPlace.size());
    CHECK(counts.pixels == int64_t(pixels.size()));
    CHECK(counts.blanked == 0);
    CHECK(out == inPlace);
    double worst = 0;
    for (size_t i = 0; i < pixels.size(); ++i) {
      const double exact = chainInDouble(chain, pixels[i]);
      worst = std::max(worst, std::abs(out[i] - exact) / std::max(1.0, std::abs(exact)));
    }
    CHECK(worst < 1e-6);  // a handful of float roundings
  }
}

TEST_CASE("pixels without a value become zero and are counted once") {
  const NormaliseStep sqrt{NormaliseKind::kSqrt, 1, 0};
  const NormaliseStep tanh{NormaliseKind::kTanh, 1, 0};
  const NormalisePlan plan = resolveNormalisation(std::vector{sqrt, tanh}, noPass);
  const std::vector<float> in{kNan, 4, -4, 0, -0.0F, kInf};
  std::vector<float> out(in.size());
  const PixelCounts counts = applyNormalisation(plan, in.data(), out.data(), in.size());
  CHECK(out[0] == 0);
  CHECK(out[1] == doctest::Approx(std::tanh(2)));
  CHECK(out[2] == 0);  // no square root
  CHECK(out[3] == 0);
  CHECK(out[5] == 1);
  CHECK(counts.blanked == 2);
  CHECK(counts.zero == 2);
  CHECK(counts.pixels == 6);

  const NormalisePlan clip =
      resolveNormalisation(std::vector<NormaliseStep>{{NormaliseKind::kClip, 1, 2}}, noPass);
  CHECK(applyNormalisation(clip, in.data(), out.data(), in.size()).blanked == 1);
  CHECK(out == std::vector<float>{0, 2, 1, 1, 1, 2});
}

TEST_CASE("percentiles of a stream equal those of the sorted values") {
  constexpr uint32_t kSeed = 11;
  MESSAGE("seed " << kSeed);
  std::mt19937 random(kSeed);
  const std::vector<double> asked{0, 0.1, 5, 25, 50, 50.0001, 99.9, 100};
  for (const size_t n : {size_t{1}, size_t{2}, size_t{3}, size_t{10}, size_t{1000}, size_t{50001}}) {
    for (int kind = 0; kind < 4; ++kind) {
      std::vector<float> values(n);
      for (float& x : values) {
        const double normal = std::normal_distribution<double>(0, 1e-5)(random);
        if (kind == 0) x = float(normal);
        if (kind == 1) x = float(int(random() % 5)) - 2;              // many ties
        if (kind == 2) x = random() % 3 == 0 ? kNan : float(normal);  // blanks
        if (kind == 3) x = std::bit_cast<float>(uint32_t(random()));  // any bits
      }
      if (kind > 1) values[n / 2] = 1, values[n / 3] = kind == 3 && n > 2 ? -kInf : 1;
      int passes = 0;
      const std::vector<double> found = exactPercentiles(passOf(values, &passes), asked);
      REQUIRE(found.size() == asked.size());
      CHECK(passes == 2);
      for (size_t i = 0; i < asked.size(); ++i) {
        CAPTURE(n);
        CAPTURE(kind);
        CAPTURE(asked[i]);
        CHECK(found[i] == sortedPercentile(values, asked[i]));
      }
    }
  }
  CHECK(exactPercentiles(passOf({}), asked).empty());
  CHECK(exactPercentiles(passOf({kNan, kInf}), asked).empty());
}

TEST_CASE("percentile and sigma limits come from the values that reach the step") {
  std::mt19937 random(5);
  std::vector<float> values(20011), scaled, deviations;
  for (float& x : values) x = float(std::normal_distribution<double>(1, 3)(random));
  values[5] = kNan;
  for (const float x : values) scaled.push_back(x * 2);

  using N = NormaliseKind;
  const std::vector<NormaliseStep> percentile{{N::kLinear, 2}, {N::kClipPercentile, 1, 99.5}, {N::kRescale}};
  const NormalisePlan plan = resolveNormalisation(percentile, passOf(values));
  REQUIRE(plan.clipLimits.size() == 1);
  CHECK(plan.clipLimits[0].first == sortedPercentile(scaled, 1));
  CHECK(plan.clipLimits[0].second == sortedPercentile(scaled, 99.5));
  std::vector<float> out(values.size());
  applyNormalisation(plan, values.data(), out.data(), values.size());
  CHECK(*std::min_element(out.begin(), out.end()) == 0);
  CHECK(*std::max_element(out.begin(), out.end()) == doctest::Approx(1));

  const double median = sortedPercentile(values, 50);
  for (const float x : values) deviations.push_back(float(std::abs(x - median)));
  const double sigma = 1.4826 * sortedPercentile(deviations, 50);
  CHECK(sigma == doctest::Approx(3).epsilon(0.05));
  const NormalisePlan bySigma =
      resolveNormalisation(std::vector<NormaliseStep>{{N::kClipSigma, -1, 5}}, passOf(values));
  CHECK(bySigma.clipLimits[0].first == doctest::Approx(median - sigma));
  CHECK(bySigma.clipLimits[0].second == doctest::Approx(median + 5 * sigma));
}

TEST_CASE("a chain that cannot be used is refused with its reason") {
  using N = NormaliseKind;
  const auto code = [](std::vector<NormaliseStep> steps, const std::vector<float>& pixels) {
    return test::codeOf([&] { resolveNormalisation(steps, passOf(pixels)); });
  };
  const std::vector<float> some{1, 2, 3};
  CHECK(code({{N::kRescale}}, some) == Code::kDetectorConfig);
  CHECK(code({{N::kClip, 2, 1}}, some) == Code::kDetectorConfig);
  CHECK(code({{N::kClip, 1, 1}}, some) == Code::kDetectorConfig);
  CHECK(code({{N::kClip, 1, 1 + 1e-12}}, some) == Code::kDetectorConfig);  // one float
  CHECK(code({{N::kClip, std::nan(""), 1}}, some) == Code::kDetectorConfig);
  CHECK(code({{N::kClipPercentile, -1, 50}}, some) == Code::kDetectorConfig);
  CHECK(code({{N::kClipPercentile, 1, 101}}, some) == Code::kDetectorConfig);
  CHECK(code({{N::kTanh, std::nan("")}}, some) == Code::kDetectorConfig);
  CHECK(code({{N::kClipPercentile, 1, 99}}, {kNan, kNan}) == Code::kImageBlank);
  CHECK(code({{N::kClipSigma, -1, 5}}, {kNan}) == Code::kImageBlank);
  CHECK(code({{N::kClipPercentile, 1, 99}}, {3, 3, 3}) == Code::kImageBlank);
  CHECK(code({{N::kClipSigma, -1, 5}}, {3, 3, 3, 9}) == Code::kImageBlank);
}
