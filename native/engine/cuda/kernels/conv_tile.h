// How a block's tile is divided among its warps, and how sums are made from two tiles in shared memory. A tile
// is rows of kRowBytes; chunk c of row r lies at chunk c ^ (r & 7), so that eight rows read the same chunk from
// different banks.
#pragma once

#include "engine/cuda/kernels/kernels.h"
#include "engine/cuda/kernels/tensor_core.h"

namespace otf::cuda {

constexpr int kThreads = 256;
constexpr int kTilePixels = 128;
constexpr int kRowChunks = kRowBytes / kChunkBytes;
constexpr int kStepChunks = 2;  // a multiplication is this deep
constexpr int kSteps = kRowChunks / kStepChunks;

template <int kFilters>
struct Division {
  static constexpr int kWarpsAcross = kFilters >= 128 ? 4 : kFilters >= 64 ? 2 : 1;  // along filters
  static constexpr int kWarpsDown = kThreads / 32 / kWarpsAcross;
  static constexpr int kWarpPixels = kTilePixels / kWarpsDown;
  static constexpr int kWarpFilters = kFilters / kWarpsAcross;
};

__device__ __forceinline__ int chunkAt(int row, int chunk) {
  return row * kRowBytes + ((chunk ^ (row & 7)) * kChunkBytes);
}

/// Sums of one thread. visit(pixel, filter, sum): where each belongs in the tile.
template <typename T, int kFilters>
class Sums {
  using D = Division<kFilters>;
  static constexpr int kDown = D::kWarpPixels / 16;
  static constexpr int kAcross = D::kWarpFilters / 16;

 public:
  __device__ __forceinline__ Sums() {
    const int warp = static_cast<int>(threadIdx.x) / 32;
    pixel_ = warp / D::kWarpsAcross * D::kWarpPixels;
    filter_ = warp % D::kWarpsAcross * D::kWarpFilters;
    for (int i = 0; i < kDown; ++i)
      for (int j = 0; j < kAcross * 2; ++j)
        for (int k = 0; k < 4; ++k) sums_[i][j][k] = 0;
  }

  __device__ __forceinline__ void addStep(const unsigned char* pixels, const unsigned char* filters,
                                          int step) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    uint32_t a[kDown][4];
#pragma unroll
    for (int i = 0; i < kDown; ++i)
      loadMatrices(a[i], pixels + chunkAt(pixel_ + i * 16 + lane % 16, step * kStepChunks + lane / 16));
#pragma unroll
    for (int j = 0; j < kAcross; ++j) {
      uint32_t b[4];
      loadMatrices(b, filters + chunkAt(filter_ + j * 16 + lane % 8 + lane / 16 * 8,
                                        step * kStepChunks + lane / 8 % 2));
#pragma unroll
      for (int i = 0; i < kDown; ++i) {
        multiply(T{}, sums_[i][2 * j], a[i], b[0], b[1]);
        multiply(T{}, sums_[i][2 * j + 1], a[i], b[2], b[3]);
      }
    }
  }

  /// Two neighbouring filters at a time.
  template <typename Visit>
  __device__ __forceinline__ void eachPair(Visit visit) const {
    const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
    for (int i = 0; i < kDown; ++i) {
#pragma unroll
      for (int j = 0; j < kAcross * 2; ++j) {
        const int pixel = pixel_ + i * 16 + lane / 4;
        const int filter = filter_ + j * 8 + lane % 4 * 2;
        visit(pixel, filter, sums_[i][j][0], sums_[i][j][1]);
        visit(pixel + 8, filter, sums_[i][j][2], sums_[i][j][3]);
      }
    }
  }

 private:
  int pixel_, filter_;
  float sums_[kDown][kAcross * 2][4];
};

/// FP32: no tensor cores. A thread has every eighth pixel and, in pairs, every fourth pair of filters.
template <int kFilters>
class Sums<float, kFilters> {
  using D = Division<kFilters>;
  static constexpr int kDown = D::kWarpPixels / 8;
  static constexpr int kAcross = D::kWarpFilters / 4;

 public:
  __device__ __forceinline__ Sums() {
    const int warp = static_cast<int>(threadIdx.x) / 32;
    const int lane = static_cast<int>(threadIdx.x) % 32;
    pixel_ = warp / D::kWarpsAcross * D::kWarpPixels + lane / 4;
    filter_ = warp % D::kWarpsAcross * D::kWarpFilters + lane % 4;
    for (int i = 0; i < kDown; ++i)
      for (int j = 0; j < kAcross; ++j) sums_[i][j] = 0;
  }

  __device__ __forceinline__ void addStep(const unsigned char* pixels, const unsigned char* filters,
                                          int step) {
#pragma unroll
    for (int chunk = step * kStepChunks; chunk < (step + 1) * kStepChunks; ++chunk) {
      Chunk<float> a[kDown];
#pragma unroll
      for (int i = 0; i < kDown; ++i)
        a[i] = *reinterpret_cast<const Chunk<float>*>(pixels + chunkAt(pixel_ + i * 8, chunk));
#pragma unroll
      for (int j = 0; j < kAcross; ++j) {
        const auto b = *reinterpret_cast<const Chunk<float>*>(filters + chunkAt(filter_ + j * 4, chunk));
#pragma unroll
        for (int i = 0; i < kDown; ++i) {
#pragma unroll
          for (int k = 0; k < kPerChunk<float>; ++k) sums_[i][j] += a[i].values[k] * b.values[k];
        }
      }
    }
  }

  template <typename Visit>
  __device__ __forceinline__ void each(Visit visit) const {
#pragma unroll
    for (int i = 0; i < kDown; ++i) {
#pragma unroll
      for (int j = 0; j < kAcross; ++j) visit(pixel_ + i * 8, filter_ + j * 4, sums_[i][j]);
    }
  }

 private:
  int pixel_, filter_;
  float sums_[kDown][kAcross];
};

}  // namespace otf::cuda
