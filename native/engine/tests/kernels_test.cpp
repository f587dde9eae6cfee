// The kernels between oneDNN's primitives, on every layout they may meet.
#include "engine/onednn/kernels.h"

#include <cmath>

#include "engine/reference/layers.h"
#include "engine/tests/check.h"

using namespace otf;
using namespace otf::onednn;

namespace {

struct Tensor {
  Layout layout;
  std::vector<float> data;  // in layout order, padding zero
};

float value(int n, int c, int64_t s) {
  return std::sin(static_cast<float>(n * 131 + c * 17) + static_cast<float>(s) * 0.37F) * 3.0F;
}

Tensor make(int block, int channels, int64_t map, int batch) {
  Tensor t;
  t.layout = {batch, channels, map, block == 0 ? channels : block};
  t.data.assign(static_cast<size_t>(batch * t.layout.itemStride()), 0.0F);
  for (int n = 0; n < batch; ++n) {
    for (int c = 0; c < channels; ++c) {
      for (int64_t s = 0; s < map; ++s)
        t.data[static_cast<size_t>(t.layout.offset(n, c, s))] = value(n, c, s);
    }
  }
  return t;
}

std::vector<float> plainItem(const Tensor& t, int n) {
  std::vector<float> item;
  for (int c = 0; c < t.layout.channels; ++c) {
    for (int64_t s = 0; s < t.layout.map; ++s)
      item.push_back(t.data[static_cast<size_t>(t.layout.offset(n, c, s))]);
  }
  return item;
}

/// Every (block, channels) an engine may meet: plain, channels last, blocked with and without padding.
template <typename Body>
void onLayouts(Body body) {
  for (const auto& [block, channels] :
       {std::pair{1, 7}, {0, 7}, {8, 7}, {8, 16}, {16, 37}, {16, 32}, {0, 1}}) {
    CAPTURE(block);
    CAPTURE(channels);
    body(make(block, channels, 45, 3));
  }
}

void checkPaddingIsZero(const Tensor& t) {
  double sum = 0;
  for (const float x : t.data) sum += std::fabs(x);
  for (int n = 0; n < t.layout.batch; ++n) {
    for (const float x : plainItem(t, n)) sum -= std::fabs(x);
  }
  CHECK(std::fabs(sum) < 1e-6 * static_cast<double>(t.data.size()));
}

}  // namespace

TEST_CASE("group norm equals the plain one on every layout and leaves padding alone") {
  onLayouts([](Tensor t) {
    for (const int groupSize : {1, 3, 4, 16, 50}) {
      Tensor work = t;
      GroupNormLayer layer;
      layer.groupSize = groupSize;
      const int groups = (t.layout.channels + groupSize - 1) / groupSize;
      layer.setOff = groups > 2 ? 1 : 0;
      for (int g = 0; g < groups; ++g) {
        layer.gamma.push_back(1.0F + 0.1F * static_cast<float>(g));
        layer.beta.push_back(0.2F - 0.1F * static_cast<float>(g));
      }
      groupNorm(work.data.data(), ElementType::kFloat, work.layout, layer);
      for (int n = 0; n < t.layout.batch; ++n) {
        const auto expected = reference::groupNorm(layer, {{45, 1, 1}, t.layout.channels}, plainItem(t, n));
        CAPTURE(groupSize);
        CHECK(test::worst(plainItem(work, n).data(), expected.data(), std::ssize(expected), 1e-5, 1e-5) <=
              1.0);
      }
      checkPaddingIsZero(work);
    }
  });
}

TEST_CASE("activations equal the plain ones on every layout and leave padding alone") {
  Activation relu{ActivationKind::kRelu, 1.5F, 0.1F, 1.0F};
  Activation logistic{ActivationKind::kLogistic, 2.0F, 0.0F, 1.5F};
  Activation softmax{ActivationKind::kSoftmax, 0, 0, 0};
  for (const Activation& activation : {relu, logistic, softmax}) {
    onLayouts([&](Tensor t) {
      Tensor work = t;
      activate(work.data.data(), ElementType::kFloat, work.layout, activation);
      for (int n = 0; n < t.layout.batch; ++n) {
        auto expected = plainItem(t, n);
        reference::activate(activation, false, expected);
        CHECK(test::worst(plainItem(work, n).data(), expected.data(), std::ssize(expected), 1e-6, 1e-6) <=
              1.0);
      }
      checkPaddingIsZero(work);
    });
  }
}

TEST_CASE("local response norm equals the plain one on every layout") {
  LrnLayer layer{4, 1.2F, 0.7F, 0.6F, {}};
  onLayouts([&](Tensor t) {
    Tensor work = t;
    localResponseNorm(work.data.data(), ElementType::kFloat, work.layout, layer);
    for (int n = 0; n < t.layout.batch; ++n) {
      const auto expected = reference::lrn(layer, {{45, 1, 1}, t.layout.channels}, plainItem(t, n));
      CHECK(test::worst(plainItem(work, n).data(), expected.data(), std::ssize(expected), 1e-6, 1e-5) <= 1.0);
    }
    checkPaddingIsZero(work);
  });
}

TEST_CASE("the upper branch alone completes a leaky ReLU, and the scan for it sees what it must") {
  onLayouts([](Tensor t) {
    float expected = 0;
    for (const float x : t.data) expected = std::max(expected, std::fabs(x));
    CHECK(largestMagnitude(t.data.data(), ElementType::kFloat, t.layout) == expected);
    Tensor work = t;
    saturate(work.data.data(), ElementType::kFloat, work.layout, 1.0F, 0.25F);
    for (size_t i = 0; i < t.data.size(); ++i)
      CHECK(work.data[i] == (t.data[i] > 1.0F ? 1.0F + 0.25F * (t.data[i] - 1.0F) : t.data[i]));
  });
  std::vector<float> odd{NAN, -3.0F, 2.0F};
  Layout layout;
  layout.channels = 3;
  CHECK(largestMagnitude(odd.data(), ElementType::kFloat, layout) == 3.0F);
  odd[2] = -INFINITY;
  CHECK(largestMagnitude(odd.data(), ElementType::kFloat, layout) == INFINITY);
  const Bf16 small[] = {{0x7fc1}, {0xc040}, {0x3f80}};  // NaN, -3, 1
  CHECK(largestMagnitude(small, ElementType::kBf16, layout) == 3.0F);
}

TEST_CASE("outputs are unblocked to C, D, H, W") {
  onLayouts([](const Tensor& t) {
    std::vector<float> out(static_cast<size_t>(t.layout.batch * t.layout.channels * t.layout.map));
    writeOutput(t.data.data(), ElementType::kFloat, t.layout, {}, out.data());
    for (int n = 0; n < t.layout.batch; ++n) {
      const auto item = plainItem(t, n);
      CHECK(std::equal(item.begin(), item.end(), out.begin() + n * std::ssize(item)));
    }
  });
}

TEST_CASE("bfloat16 rounds to nearest even and keeps NaN and infinity") {
  const auto round = [](float x) {
    Bf16 b{};
    store(b, x);
    return toFloat(b);
  };
  CHECK(round(1.0F) == 1.0F);
  CHECK(round(1.00390625F) == 1.0F);       // half way, to even
  CHECK(round(1.01171875F) == 1.015625F);  // half way, to even
  CHECK(round(-3.3333F) == doctest::Approx(-3.3333).epsilon(4e-3));
  CHECK(std::isnan(round(NAN)));
  CHECK(round(INFINITY) == INFINITY);
}
