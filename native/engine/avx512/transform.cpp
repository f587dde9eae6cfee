#include "engine/avx512/transform.h"

#include "engine/cpu/avx512.h"

namespace otf::avx512 {
namespace {

constexpr int kKernel = 3;

/// Three values into four.
std::array<double, kSide> widened(double a, double b, double c) {
  return {a, (a + b + c) / 2, (a - b + c) / 2, c};
}

/// A row of B^T times the columns of the pixels: pixels[kA] + or - pixels[kB].
template <int kA, int kB, bool kPlus>
OTF_AVX512 void pointsOfRow(const float* const (&pixels)[kPoints], int channels, float* to, int64_t point) {
  for (int c = 0; c < channels; c += kFloats) {
    const __mmask16 mask = firstOf(channels - c);
    __m512 r[kSide];
#pragma GCC unroll 4
    for (int x = 0; x < kSide; ++x) {
      const __m512 a = _mm512_maskz_loadu_ps(mask, pixels[kA * kSide + x] + c);
      const __m512 b = _mm512_maskz_loadu_ps(mask, pixels[kB * kSide + x] + c);
      r[x] = kPlus ? _mm512_add_ps(a, b) : _mm512_sub_ps(a, b);
    }
    _mm512_store_ps(to + c, _mm512_sub_ps(r[0], r[2]));
    _mm512_store_ps(to + point + c, _mm512_add_ps(r[1], r[2]));
    _mm512_store_ps(to + 2 * point + c, _mm512_sub_ps(r[2], r[1]));
    _mm512_store_ps(to + 3 * point + c, _mm512_sub_ps(r[3], r[1]));
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

void inputPoints(const float* const (&pixels)[kPoints], int row, int channels, float* to, int64_t point) {
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

OTF_AVX512 void outputPixels(const float* sums, int64_t point, int filters, const float* bias,
                             const Epilogue& epilogue, const OutputTile& to) {
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
      float* const pixel = to.first + y * to.row + f;
      _mm512_mask_storeu_ps(pixel, mask, finished(left, leak, gap));
      if (to.width > 1) _mm512_mask_storeu_ps(pixel + to.pixel, mask, finished(right, leak, gap));
    }
  }
}

}  // namespace otf::avx512
