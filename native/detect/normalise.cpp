#include "detect/normalise.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "detect/vector_tanh.h"

namespace otf {
namespace {

using Operation = NormalisePlan::Operation;

// A block stays in the first-level cache while the chain runs over it.
constexpr size_t kBlock = 2048;

[[gnu::always_inline]] inline void applyOperation(const Operation& operation, float* x, size_t n) {
  const float a = operation.a, b = operation.b;
  switch (operation.kind) {
    case Operation::Kind::kClip:
      for (size_t i = 0; i < n; ++i) {
        const float low = x[i] < a ? a : x[i];
        x[i] = low > b ? b : low;
      }
      return;
    case Operation::Kind::kRescale:
      for (size_t i = 0; i < n; ++i) x[i] = (x[i] - a) / b;
      return;
    case Operation::Kind::kScale:
      for (size_t i = 0; i < n; ++i) x[i] *= a;
      return;
    case Operation::Kind::kSqrt:
      for (size_t i = 0; i < n; ++i) x[i] = std::sqrt(a * x[i]);
      return;
    case Operation::Kind::kLog1p:
      for (size_t i = 0; i < n; ++i) x[i] = std::log1p(a * x[i]);
      return;
    case Operation::Kind::kTanh:
      for (size_t i = 0; i < n; ++i) x[i] = vectorTanh(a * x[i]);
      return;
  }
}

constexpr uint32_t kInfinityBits = 0x7F800000U;
[[gnu::always_inline]] inline uint32_t magnitudeBits(float x) {
  return std::bit_cast<uint32_t>(x) & 0x7FFFFFFFU;
}

/// `keep`: all ones leaves values that are not finite as they are, 0 turns them into 0.
[[gnu::always_inline]] inline PixelCounts applyChain(const NormalisePlan& plan, const float* src, float* dst,
                                                     size_t n, uint32_t keep) {
  PixelCounts counts;
  counts.pixels = static_cast<int64_t>(n);
  alignas(64) float block[kBlock];
  for (size_t begin = 0; begin < n; begin += kBlock) {
    const size_t length = std::min(kBlock, n - begin);
    const float* from = src + begin;
    std::copy_n(from, length, block);
    for (const Operation& operation : plan.operations) applyOperation(operation, block, length);
    uint32_t blanked = 0, zero = 0;
    for (size_t i = 0; i < length; ++i) {
      const uint32_t raw = magnitudeBits(from[i]);
      const uint32_t blank = (raw > kInfinityBits) | (magnitudeBits(block[i]) >= kInfinityBits);
      blanked += blank;
      zero += raw == 0;
      block[i] = std::bit_cast<float>(std::bit_cast<uint32_t>(block[i]) & ((blank - 1U) | keep));
    }
    std::copy_n(block, length, dst + begin);
    counts.blanked += blanked;
    counts.zero += zero;
  }
  return counts;
}

using Kernel = PixelCounts (*)(const NormalisePlan&, const float*, float*, size_t, uint32_t);

PixelCounts applyBaseline(const NormalisePlan& plan, const float* src, float* dst, size_t n, uint32_t keep) {
  return applyChain(plan, src, dst, n, keep);
}

// One body compiled for several instruction sets and chosen once: distributions build for the oldest CPU.
#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] PixelCounts applyAvx2(const NormalisePlan& plan, const float* src, float* dst,
                                                  size_t n, uint32_t keep) {
  return applyChain(plan, src, dst, n, keep);
}

// 512-bit vectors measured no faster here: the loops then wait for the first-level cache.
Kernel chooseKernel() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? applyAvx2 : applyBaseline;
}
#else
Kernel chooseKernel() { return applyBaseline; }
#endif

Kernel kernel() {
  static const Kernel chosen = chooseKernel();
  return chosen;
}

}  // namespace

PixelCounts& PixelCounts::operator+=(const PixelCounts& other) {
  pixels += other.pixels;
  blanked += other.blanked;
  zero += other.zero;
  return *this;
}

PixelCounts applyNormalisation(const NormalisePlan& plan, const float* src, float* dst, size_t n) {
  return kernel()(plan, src, dst, n, 0U);
}

void applyOperations(const NormalisePlan& plan, const float* src, float* dst, size_t n) {
  kernel()(plan, src, dst, n, ~0U);
}

}  // namespace otf
