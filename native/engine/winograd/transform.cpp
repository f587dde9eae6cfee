#include "engine/winograd/transform.h"

#include "engine/cpu/avx512.h"

namespace otf::winograd {
namespace {

using avx512::finished;
using avx512::firstOf;
using avx512::kFloats;

constexpr int kKernel = 3;

/// Three values into four.
std::array<double, kSide> widened(double a, double b, double c) {
  return {a, (a + b + c) / 2, (a - b + c) / 2, c};
}

template <bool kPlus>
OTF_AVX512_BF16 inline __m512 combined(__m512 a, __m512 b) {
  return kPlus ? _mm512_add_ps(a, b) : _mm512_sub_ps(a, b);
}

/// Four values of a row times B.
struct Row {
  __m512 at[kSide];

  OTF_AVX512_BF16 Row points() const {
    return {{_mm512_sub_ps(at[0], at[2]), _mm512_add_ps(at[1], at[2]), _mm512_sub_ps(at[2], at[1]),
             _mm512_sub_ps(at[3], at[1])}};
  }
};

/// A row of B^T times the columns of the pixels: pixels[kA] + or - pixels[kB].
template <int kA, int kB, bool kPlus>
OTF_AVX512 void pointsOfRow(const float* const (&pixels)[kPoints], int channels, char* to, int64_t point) {
  for (int c = 0; c < channels; c += kFloats, to += sizeof(__m512)) {
    const __mmask16 mask = firstOf(channels - c);
    __m512 r[kSide];
#pragma GCC unroll 4
    for (int x = 0; x < kSide; ++x) {
      const __m512 a = _mm512_maskz_loadu_ps(mask, pixels[kA * kSide + x] + c);
      const __m512 b = _mm512_maskz_loadu_ps(mask, pixels[kB * kSide + x] + c);
      r[x] = kPlus ? _mm512_add_ps(a, b) : _mm512_sub_ps(a, b);
    }
    _mm512_store_ps(to, _mm512_sub_ps(r[0], r[2]));
    _mm512_store_ps(to + point, _mm512_add_ps(r[1], r[2]));
    _mm512_store_ps(to + 2 * point, _mm512_sub_ps(r[2], r[1]));
    _mm512_store_ps(to + 3 * point, _mm512_sub_ps(r[3], r[1]));
  }
}

template <int kA, int kB, bool kPlus>
OTF_AVX512_BF16 void pointsOfRow(const Bf16* const (&pixels)[kPoints], int channels, char* to,
                                 int64_t point) {
  const __m512i upper = _mm512_set1_epi32(static_cast<int>(0xffff0000U));
  for (int c = 0; c < channels; c += kShuffled, to += sizeof(__m512i)) {
    const auto mask =
        static_cast<__mmask32>(channels - c >= kShuffled ? 0xffffffffU : (1U << (channels - c)) - 1U);
    Row even;
    Row odd;
#pragma GCC unroll 4
    for (int x = 0; x < kSide; ++x) {
      // Two of BF16 are two floats: one is moved up, the other loses what is below it.
      const __m512i a = _mm512_maskz_loadu_epi16(mask, pixels[kA * kSide + x] + c);
      const __m512i b = _mm512_maskz_loadu_epi16(mask, pixels[kB * kSide + x] + c);
      even.at[x] = combined<kPlus>(_mm512_castsi512_ps(_mm512_slli_epi32(a, 16)),
                                   _mm512_castsi512_ps(_mm512_slli_epi32(b, 16)));
      odd.at[x] = combined<kPlus>(_mm512_castsi512_ps(_mm512_and_si512(a, upper)),
                                  _mm512_castsi512_ps(_mm512_and_si512(b, upper)));
    }
    const Row low = even.points();
    const Row high = odd.points();
#pragma GCC unroll 4
    for (int x = 0; x < kSide; ++x)
      _mm512_store_si512(to + x * point, (__m512i)_mm512_cvtne2ps_pbh(high.at[x], low.at[x]));
  }
}

template <typename T>
void pointsOf(const T* const (&pixels)[kPoints], int row, int channels, char* to, int64_t point) {
  switch (row) {
    case 0:
      return pointsOfRow<0, 2, false>(pixels, channels, to, point);
    case 1:
      return pointsOfRow<1, 2, true>(pixels, channels, to, point);
    case 2:
      return pointsOfRow<2, 1, false>(pixels, channels, to, point);
    default:
      return pointsOfRow<3, 1, false>(pixels, channels, to, point);
  }
}

OTF_AVX512_BF16 inline void put(float* to, __mmask16 mask, __m512 value) {
  _mm512_mask_storeu_ps(to, mask, value);
}
OTF_AVX512_BF16 inline void put(Bf16* to, __mmask16 mask, __m512 value) {
  _mm256_mask_storeu_epi16(to, mask, (__m256i)_mm512_cvtneps_pbh(value));
}

template <typename T>
OTF_AVX512_BF16 void pixelsOf(const float* sums, int64_t point, int filters, const float* bias,
                              const Epilogue& epilogue, const OutputTile<T>& to) {
  const __m512 leak = _mm512_set1_ps(epilogue.leak);
  const __m512 gap = _mm512_set1_ps(epilogue.gap);
  for (int f = 0; f < filters; f += kFloats) {
    const __mmask16 mask = firstOf(filters - f);
    const __m512 shift = _mm512_loadu_ps(bias + f);
    __m512 half[kOutSide][kSide];
#pragma GCC unroll 4
    for (int x = 0; x < kSide; ++x) {
      const float* const column = sums + x * point + f;
      const __m512 a = _mm512_load_ps(column);
      const __m512 b = _mm512_load_ps(column + kSide * point);
      const __m512 c = _mm512_load_ps(column + 2 * kSide * point);
      const __m512 d = _mm512_load_ps(column + 3 * kSide * point);
      half[0][x] = _mm512_add_ps(_mm512_add_ps(a, b), c);
      half[1][x] = _mm512_add_ps(_mm512_sub_ps(b, c), d);
    }
#pragma GCC unroll 2
    for (int y = 0; y < kOutSide; ++y) {
      if (y >= to.height) break;
      const __m512(&h)[kSide] = half[y];
      const __m512 left = _mm512_add_ps(_mm512_add_ps(_mm512_add_ps(h[0], h[1]), h[2]), shift);
      const __m512 right = _mm512_add_ps(_mm512_add_ps(_mm512_sub_ps(h[1], h[2]), h[3]), shift);
      T* const pixel = to.first + y * to.row + f;
      put(pixel, mask, finished(left, leak, gap));
      if (to.width > 1) put(pixel + to.pixel, mask, finished(right, leak, gap));
    }
  }
}

}  // namespace

std::array<double, kPoints> kernelPoints(const float* kernel) {
  std::array<double, kPoints> points{};
  std::array<std::array<double, kSide>, kKernel> columns{};
  for (int x = 0; x < kKernel; ++x)
    columns[static_cast<size_t>(x)] = widened(kernel[x], kernel[kKernel + x], kernel[2 * kKernel + x]);
  for (size_t y = 0; y < kSide; ++y) {
    const std::array<double, kSide> row = widened(columns[0][y], columns[1][y], columns[2][y]);
    for (size_t x = 0; x < kSide; ++x) points[y * kSide + x] = row[x];
  }
  return points;
}

void inputPoints(const float* const (&pixels)[kPoints], int row, int channels, char* to, int64_t point) {
  pointsOf(pixels, row, channels, to, point);
}
void inputPoints(const Bf16* const (&pixels)[kPoints], int row, int channels, char* to, int64_t point) {
  pointsOf(pixels, row, channels, to, point);
}

void outputPixels(const float* sums, int64_t point, int filters, const float* bias, const Epilogue& epilogue,
                  const OutputTile<float>& to) {
  pixelsOf(sums, point, filters, bias, epilogue, to);
}
void outputPixels(const float* sums, int64_t point, int filters, const float* bias, const Epilogue& epilogue,
                  const OutputTile<Bf16>& to) {
  pixelsOf(sums, point, filters, bias, epilogue, to);
}

}  // namespace otf::winograd
