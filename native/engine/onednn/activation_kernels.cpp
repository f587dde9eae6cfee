#include <omp.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/dropout.h"
#include "engine/onednn/kernels.h"
#include "tensor/clones.h"

namespace otf::onednn {
namespace {

// Small enough to keep every thread busy, large enough to hide the loop around it.
constexpr int64_t kChunk = 1 << 14;

// Integer order of the bit patterns is the order of the magnitudes; it vectorises without -ffast-math. NaN is
// filtered by its pattern being above infinity's.
OTF_CLONES float largestFloat(const float* x, int64_t count) {
  const auto* bits = reinterpret_cast<const uint32_t*>(x);
  uint32_t largest = 0;
  for (int64_t i = 0; i < count; ++i) {
    uint32_t magnitude = bits[i] & 0x7fffffffU;
    magnitude = magnitude > 0x7f800000U ? 0 : magnitude;
    largest = magnitude > largest ? magnitude : largest;
  }
  return __builtin_bit_cast(float, largest);
}

OTF_CLONES float largestBf16(const Bf16* x, int64_t count) {
  uint16_t largest = 0;
  for (int64_t i = 0; i < count; ++i) {
    uint16_t magnitude = x[i].bits & 0x7fffU;
    magnitude = magnitude > 0x7f80U ? uint16_t{0} : magnitude;
    largest = magnitude > largest ? magnitude : largest;
  }
  return toFloat(Bf16{largest});
}

float largestIn(const float* x, int64_t count) { return largestFloat(x, count); }
float largestIn(const Bf16* x, int64_t count) { return largestBf16(x, count); }

template <typename T>
float largest(const T* data, int64_t count) {
  float result = 0;
#pragma omp parallel for reduction(max : result) schedule(static)
  for (int64_t at = 0; at < count; at += kChunk)
    result = std::max(result, largestIn(data + at, std::min(kChunk, count - at)));
  return result;
}

/// Calls apply(T* first, count) on runs of valid elements, in parallel.
template <typename T, typename Apply>
void forRuns(T* data, const Layout& layout, Apply apply) {
  if (layout.channels % layout.block == 0) {
    const int64_t count = layout.batch * layout.itemStride();
#pragma omp parallel for schedule(static)
    for (int64_t at = 0; at < count; at += kChunk) apply(data + at, std::min(kChunk, count - at));
    return;
  }
  const int64_t rows = int64_t{layout.batch} * layout.blocks();
#pragma omp parallel for schedule(static)
  for (int64_t row = 0; row < rows; ++row) {
    const int width = layout.width(static_cast<int>(row % layout.blocks()));
    T* first = data + row * layout.map * layout.block;
    for (int64_t s = 0; s < layout.map; ++s) apply(first + s * layout.block, width);
  }
}

template <typename Apply>
void onType(void* data, ElementType type, const Layout& layout, Apply apply) {
  if (type == ElementType::kFloat) {
    forRuns(static_cast<float*>(data), layout, apply);
  } else {
    forRuns(static_cast<Bf16*>(data), layout, apply);
  }
}

template <typename T>
void softmaxItem(T* item, const Layout& layout) {
  double largestValue = -INFINITY;
  const auto each = [&](auto visit) {
    for (int b = 0; b < layout.blocks(); ++b) {
      for (int64_t s = 0; s < layout.map; ++s) {
        T* first = item + (b * layout.map + s) * layout.block;
        for (int c = 0; c < layout.width(b); ++c) visit(first[c]);
      }
    }
  };
  each([&](T& x) { largestValue = std::max<double>(largestValue, toFloat(x)); });
  double sum = 0;
  each([&](T& x) { sum += std::exp(toFloat(x) - largestValue); });
  each([&](T& x) { store(x, static_cast<float>(std::exp(toFloat(x) - largestValue) / sum)); });
}

template <typename T>
void softmax(T* data, const Layout& layout) {
#pragma omp parallel for schedule(static)
  for (int n = 0; n < layout.batch; ++n) softmaxItem(data + n * layout.itemStride(), layout);
}

struct Relu {
  float saturation, leak;
  float operator()(float x) const {
    return x <= 0.0F ? leak * x : (x > saturation ? saturation + leak * (x - saturation) : x);
  }
};

struct Logistic {
  float saturation, beta;
  float operator()(float x) const {
    const float exponent = -beta * x;
    return 1.0F / (1.0F + std::exp(exponent > saturation ? saturation : exponent));
  }
};

template <typename Function>
void map(void* data, ElementType type, const Layout& layout, Function function) {
  onType(data, type, layout, [function](auto* x, int64_t count) {
    for (int64_t i = 0; i < count; ++i) store(x[i], function(toFloat(x[i])));
  });
}

}  // namespace

// The lower branch is oneDNN's own leaky ReLU; the upper one is done where it is reached, which composes to CIANNA's
// function when the leak keeps signs and the knee is positive.
bool splitsAtKnee(const Activation& a) {
  return a.kind == ActivationKind::kRelu && a.leak >= 0.0F && a.leak <= 1.0F && a.saturation > 0.0F;
}

float largestMagnitude(const void* data, ElementType type, const Layout& layout) {
  const int64_t count = layout.batch * layout.itemStride();
  return type == ElementType::kFloat ? largest(static_cast<const float*>(data), count)
                                     : largest(static_cast<const Bf16*>(data), count);
}

void saturate(void* data, ElementType type, const Layout& layout, float saturation, float leak) {
  map(data, type, layout, [=](float x) { return x > saturation ? saturation + leak * (x - saturation) : x; });
}

void activate(void* data, ElementType type, const Layout& layout, const Activation& activation) {
  switch (activation.kind) {
    case ActivationKind::kRelu:
      return map(data, type, layout, Relu{activation.saturation, activation.leak});
    case ActivationKind::kLogistic:
      return map(data, type, layout, Logistic{activation.saturation, activation.beta});
    case ActivationKind::kSoftmax:
      return type == ElementType::kFloat ? softmax(static_cast<float*>(data), layout)
                                         : softmax(static_cast<Bf16*>(data), layout);
    case ActivationKind::kLinear:
    case ActivationKind::kYolo:
      return;
  }
}

void scale(void* data, ElementType type, const Layout& layout, float factor) {
  map(data, type, layout, [=](float x) { return x * factor; });
}

namespace {

template <typename T>
void dropRows(T* data, const Layout& layout, uint64_t seed, uint32_t repeat, uint32_t layer, float rate) {
  const int64_t rows = int64_t{layout.batch} * layout.blocks();
#pragma omp parallel for schedule(static)
  for (int64_t row = 0; row < rows; ++row) {
    const auto n = static_cast<uint64_t>(row / layout.blocks());
    const int b = static_cast<int>(row % layout.blocks());
    const DropoutMask mask(seed, n, repeat, layer, rate);
    T* first = data + row * layout.map * layout.block;
    for (int64_t s = 0; s < layout.map; ++s) {
      for (int c = 0; c < layout.width(b); ++c) {
        const int64_t element = (int64_t{b} * layout.block + c) * layout.map + s;
        if (!mask.keeps(static_cast<uint64_t>(element))) store(first[s * layout.block + c], 0.0F);
      }
    }
  }
}

}  // namespace

void dropout(void* data, ElementType type, const Layout& layout, uint64_t seed, uint32_t repeat,
             uint32_t layer, float rate) {
  if (type == ElementType::kFloat) {
    dropRows(static_cast<float*>(data), layout, seed, repeat, layer, rate);
  } else {
    dropRows(static_cast<Bf16*>(data), layout, seed, repeat, layer, rate);
  }
}

void activateDense(float* data, int batch, int64_t count, const Activation& activation) {
  Layout row;
  row.channels = static_cast<int>(count - 1);
  for (int n = 0; n < batch; ++n) {
    float* first = data + n * count;
    activate(first, ElementType::kFloat, row, activation);
    if (activation.kind != ActivationKind::kLinear) first[count - 1] = 0.0F;
  }
}

}  // namespace otf::onednn
