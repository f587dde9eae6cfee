// The transforms of Winograd's F(2x2, 3x3): 2x2 outputs of a 3x3 kernel from 4x4 inputs by 16 products instead of 36.
// Source: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2016; the last row of B and of A with the other sign.
#pragma once

#include <array>
#include <cstdint>

#include "engine/cpu/bf16.h"
#include "engine/cpu/epilogue.h"

namespace otf::winograd {

constexpr int kSide = 4;  // of a tile of inputs, and of its points
constexpr int kPoints = kSide * kSide;
constexpr int kOutSide = 2;  // of a tile of outputs

/// G g G^T of a kernel, rows first.
std::array<double, kPoints> kernelPoints(const float* kernel);

/// Row `row` of the points of a tile: four, `point` bytes apart, of `channels` values each. `pixels`: of the tile, rows first.
/// `to`: 64-byte aligned, whole vectors (values beyond the channels are zeros). Needs AVX-512.
void inputPoints(const float* const (&pixels)[kPoints], int row, int channels, char* to, int64_t point);
/// The same, rounded; in each vector the even channels before the odd ones. Needs AVX-512 with BF16.
void inputPoints(const Bf16* const (&pixels)[kPoints], int row, int channels, char* to, int64_t point);

constexpr int kShuffled = 32;  // channels of BF16 in a vector
/// Which of these stands at a place.
constexpr int channelAt(int place) {
  return place < kShuffled / 2 ? 2 * place : 2 * (place - kShuffled / 2) + 1;
}

/// What becomes of the 16 sums of a tile.
template <typename T>
struct OutputTile {
  T* first = nullptr;          // the upper left pixel's
  int64_t pixel = 0, row = 0;  // values from one pixel and one row to the next
  int width = 0, height = 0;   // 1 or 2: as far as the map goes
};
/// `sums`: 64-byte aligned, whole vectors, those of the points `point` values apart. Needs AVX-512, the second with BF16.
void outputPixels(const float* sums, int64_t point, int filters, const float* bias, const Epilogue& epilogue,
                  const OutputTile<float>& to);
void outputPixels(const float* sums, int64_t point, int filters, const float* bias, const Epilogue& epilogue,
                  const OutputTile<Bf16>& to);

}  // namespace otf::winograd
