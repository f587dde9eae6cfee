// Loops that keep a unit busy and do nothing else.
#include <cstddef>
#include <cstdint>

#include "engine/cpu/tiles.h"
#include "engine/roofline/rates.h"
#include "timing/stopwatch.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace otf::roofline {
namespace {

// A few milliseconds, so that a loop is seldom interrupted; of several the fastest.
constexpr int kTries = 3;
constexpr int kChains = 12;  // two units, four to six cycles of latency, and 16 registers
constexpr double kShrink = 0.999;
volatile float sink;  // results are used, or the compiler would not compute them

/// `loop(n)` does n rounds of `flops` each.
template <typename Loop>
double fastest(int64_t rounds, double flops, Loop loop) {
  double best = 0;
  for (int i = 0; i < kTries; ++i) {
    const Stopwatch watch;
    loop(rounds);
    const double rate = static_cast<double>(rounds) * flops / watch.seconds();
    best = rate > best ? rate : best;
  }
  return best;
}

#if defined(__x86_64__)

__attribute__((target("avx512f"))) void avx512(int64_t rounds) {
  __m512 sums[kChains];
  for (auto& sum : sums) sum = _mm512_set1_ps(1.0F);
  const __m512 factor = _mm512_set1_ps(kShrink);
  const __m512 term = _mm512_set1_ps(1.0F - kShrink);
  for (int64_t i = 0; i < rounds; ++i)
    for (auto& sum : sums) sum = _mm512_fmadd_ps(sum, factor, term);
  for (auto& sum : sums) sink = _mm512_cvtss_f32(sum);
}

__attribute__((target("avx512f,avx512bf16"))) void avx512Bf16(int64_t rounds) {
  __m512 sums[kChains];
  for (auto& sum : sums) sum = _mm512_set1_ps(1.0F);
  const __m512bh factor = (__m512bh)_mm512_set1_epi16(0x3d00);  // 0.03125
  for (int64_t i = 0; i < rounds; ++i)
    for (auto& sum : sums) sum = _mm512_dpbf16_ps(sum, factor, factor);
  for (auto& sum : sums) sink = _mm512_cvtss_f32(sum);
}

__attribute__((target("avx512f,avx512vnni"))) void avx512Int8(int64_t rounds) {
  __m512i sums[kChains];
  for (auto& sum : sums) sum = _mm512_set1_epi32(1);
  const __m512i factor = _mm512_set1_epi8(1);
  for (int64_t i = 0; i < rounds; ++i)
    for (auto& sum : sums) sum = _mm512_dpbusd_epi32(sum, factor, factor);
  for (auto& sum : sums) sink = _mm512_cvtss_f32(_mm512_castsi512_ps(sum));
}

__attribute__((target("avx2,fma"))) void avx2(int64_t rounds) {
  __m256 sums[kChains];
  for (auto& sum : sums) sum = _mm256_set1_ps(1.0F);
  const __m256 factor = _mm256_set1_ps(kShrink);
  const __m256 term = _mm256_set1_ps(1.0F - kShrink);
  for (int64_t i = 0; i < rounds; ++i)
    for (auto& sum : sums) sum = _mm256_fmadd_ps(sum, factor, term);
  for (auto& sum : sums) sink = _mm256_cvtss_f32(sum);
}

void sse(int64_t rounds) {
  __m128 sums[kChains];
  for (auto& sum : sums) sum = _mm_set1_ps(1.0F);
  const __m128 factor = _mm_set1_ps(kShrink);
  const __m128 term = _mm_set1_ps(1.0F - kShrink);
  for (int64_t i = 0; i < rounds; ++i)
    for (auto& sum : sums) sum = _mm_add_ps(_mm_mul_ps(sum, factor), term);
  for (auto& sum : sums) sink = _mm_cvtss_f32(sum);
}

/// On drawn operands, as those of layers are: on equal ones hardly anything switches, and the clock stays at what no layer sees
/// (on a Sapphire Rapids 3,400 to 3,800 GFLOP/s a core instead of 2,700).
template <bool kBytes>
void amx(int64_t rounds) {
  alignas(64) uint16_t values[4][512];
  uint32_t state = 1;
  for (auto& tile : values) {
    for (auto& value : tile) {
      state = state * 1664525U + 1013904223U;
      const uint32_t bits = state >> 16;
      value = static_cast<uint16_t>(kBytes ? bits : (bits & 0x80ffU) | 0x3f00U);  // 0.5 to 2 of both signs
    }
  }
  tiles::Config config;
  for (int i = 0; i < 8; ++i) {
    config.rows[i] = 16;
    config.bytes[i] = 64;
  }
  tiles::configure(config);
  for (int64_t i = 0; i < rounds; ++i) {
    tiles::load<4>(values[0], 64);
    tiles::load<5>(values[1], 64);
    tiles::load<6>(values[2], 64);
    tiles::load<7>(values[3], 64);
    if constexpr (kBytes) {
      tiles::multiplyBytes<0, 4, 6>();
      tiles::multiplyBytes<1, 4, 7>();
      tiles::multiplyBytes<2, 5, 6>();
      tiles::multiplyBytes<3, 5, 7>();
    } else {
      tiles::multiply<0, 4, 6>();
      tiles::multiply<1, 4, 7>();
      tiles::multiply<2, 5, 6>();
      tiles::multiply<3, 5, 7>();
    }
  }
  tiles::release();
}

#endif

}  // namespace

const char* unitName(Unit unit) {
  constexpr const char* kNames[] = {"SSE",          "AVX2",     "AVX-512", "AVX-512 BF16",
                                    "AVX-512 INT8", "AMX BF16", "AMX INT8"};
  return kNames[static_cast<size_t>(unit)];
}

double arithmeticRate(Unit unit) {
#if defined(__x86_64__)
  constexpr double kPair = 2.0;  // a multiplication and an addition
  switch (unit) {
    case Unit::kAmxInt8:
      return fastest(20'000, kPair * 4 * 16 * 16 * 64, amx<true>);
    case Unit::kAmxBf16:
      return fastest(20'000, kPair * 4 * 16 * 16 * 32, amx<false>);
    case Unit::kAvx512Int8:
      return fastest(100'000, kPair * kChains * 64, avx512Int8);
    case Unit::kAvx512Bf16:
      return fastest(100'000, kPair * kChains * 32, avx512Bf16);
    case Unit::kAvx512:
      return fastest(100'000, kPair * kChains * 16, avx512);
    case Unit::kAvx2:
      return fastest(200'000, kPair * kChains * 8, avx2);
    case Unit::kSse:
      return fastest(200'000, kPair * kChains * 4, sse);
  }
#endif
  static_cast<void>(unit);
  return 0;
}

}  // namespace otf::roofline
