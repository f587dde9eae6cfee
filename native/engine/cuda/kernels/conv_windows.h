// Where the rows of a tile come from: the windows of 128 outputs, in steps of kRowBytes of a filter.
#pragma once

#include "engine/cuda/kernels/conv_tile.h"

namespace otf::cuda {

struct Place {
  int64_t item;
  int w, h, d;
};

__device__ __forceinline__ Place placeOf(uint32_t pixel, const Map& map) {
  Place place;
  uint32_t rest = pixel / static_cast<uint32_t>(map.w);
  place.w = static_cast<int>(pixel - rest * static_cast<uint32_t>(map.w));
  uint32_t next = rest / static_cast<uint32_t>(map.h);
  place.h = static_cast<int>(rest - next * static_cast<uint32_t>(map.h));
  rest = next / static_cast<uint32_t>(map.d);
  place.d = static_cast<int>(next - rest * static_cast<uint32_t>(map.d));
  place.item = rest;
  return place;
}

__device__ __forceinline__ bool isInside(int position, int size) {
  return static_cast<unsigned>(position) < static_cast<unsigned>(size);
}

/// Windows of a flow: whole chunks, copied while the block computes. A thread brings one chunk of four rows.
template <typename T>
class FlowWindows {
  static constexpr int kRows = kTilePixels * kRowChunks / kThreads;
  static constexpr int kRowStep = kTilePixels / kRows;
  static constexpr int kMaskTaps = 32;

 public:
  __device__ __forceinline__ FlowWindows(const ConvArgs& a, int64_t firstPixel)
      : chunk_(static_cast<int>(threadIdx.x) % kRowChunks), row_(static_cast<int>(threadIdx.x) / kRowChunks) {
    firstPixel_ = static_cast<uint32_t>(firstPixel);
    const int taps = a.size[0] * a.size[1] * a.size[2];
    masked_ = taps <= kMaskTaps;
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const uint32_t pixel = firstPixel_ + static_cast<uint32_t>(row_ + i * kRowStep);
      valid_[i] = 0;
      start_[i] = 0;
      if (pixel >= a.pixels) continue;
      const Place place = placeOf(pixel, a.out);
      const int w = place.w * a.stride[0] - a.padding[0];
      const int h = place.h * a.stride[1] - a.padding[1];
      const int d = place.d * a.stride[2] - a.padding[2];
      start_[i] = (((place.item * a.in.d + d) * a.in.h + h) * a.in.w + w) * a.pitch * int64_t{sizeof(T)};
      if (!masked_) {
        valid_[i] = ~0U;  // decided tap by tap
        continue;
      }
      uint32_t bit = 1;
      for (int kd = 0; kd < a.size[2]; ++kd)
        for (int kh = 0; kh < a.size[1]; ++kh)
          for (int kw = 0; kw < a.size[0]; ++kw, bit <<= 1)
            if (isInside(d + kd, a.in.d) && isInside(h + kh, a.in.h) && isInside(w + kw, a.in.w))
              valid_[i] |= bit;
    }
    rest_ = a.rowChunks - chunk_;
    inTap_ = chunk_;
    settle(a);
  }

  /// The next kRowBytes of every row.
  __device__ __forceinline__ void bring(const ConvArgs& a, unsigned char* tile) {
    const auto* input = static_cast<const unsigned char*>(a.input);
    const int64_t offset =
        ((int64_t{tapD_} * a.in.h + tapH_) * a.in.w + tapW_) * a.pitch * int64_t{sizeof(T)} +
        inTap_ * kChunkBytes;
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      bool valid = rest_ > 0 && (masked_ ? (valid_[i] >> tap_ & 1U) != 0 : reaches(a, i));
      copyAsync(tile + chunkAt(row_ + i * kRowStep, chunk_), input + (valid ? start_[i] + offset : 0), valid);
    }
    inTap_ += kRowChunks;
    rest_ -= kRowChunks;
    settle(a);
  }

 private:
  /// inTap_ may be beyond the tap it is in.
  __device__ __forceinline__ void settle(const ConvArgs& a) {
    const int perTap = a.pitch * static_cast<int>(sizeof(T)) / kChunkBytes;
    while (inTap_ >= perTap && rest_ > 0) {
      inTap_ -= perTap;
      ++tap_;
      if (++tapW_ < a.size[0]) continue;
      tapW_ = 0;
      if (++tapH_ < a.size[1]) continue;
      tapH_ = 0;
      ++tapD_;
    }
  }

  /// For kernels of more taps than a mask has bits, rare and never the slow layers.
  __device__ __forceinline__ bool reaches(const ConvArgs& a, int i) const {
    if (valid_[i] == 0) return false;
    const Place place = placeOf(firstPixel_ + static_cast<uint32_t>(row_ + i * kRowStep), a.out);
    return isInside(place.w * a.stride[0] - a.padding[0] + tapW_, a.in.w) &&
           isInside(place.h * a.stride[1] - a.padding[1] + tapH_, a.in.h) &&
           isInside(place.d * a.stride[2] - a.padding[2] + tapD_, a.in.d);
  }

  int chunk_, row_;
  uint32_t firstPixel_;
  bool masked_;
  int rest_, inTap_, tap_ = 0, tapW_ = 0, tapH_ = 0, tapD_ = 0;
  int64_t start_[kRows];   // bytes
  uint32_t valid_[kRows];  // a bit per tap
};

/// Windows of the network's own input, value by value: few channels would fill a chunk with zeros.
template <typename T>
class InputWindows {
  static constexpr int kChunksEach = kTilePixels * kRowChunks / kThreads;

 public:
  __device__ __forceinline__ InputWindows(const ConvArgs& a, int64_t firstPixel)
      : row_(static_cast<int>(threadIdx.x) % kTilePixels),
        firstChunk_(static_cast<int>(threadIdx.x) / kTilePixels * kChunksEach) {
    const int64_t pixel = firstPixel + row_;
    exists_ = pixel < a.pixels;
    const Place place = placeOf(static_cast<uint32_t>(exists_ ? pixel : 0), a.out);
    w_ = place.w * a.stride[0] - a.padding[0];
    h_ = place.h * a.stride[1] - a.padding[1];
    d_ = place.d * a.stride[2] - a.padding[2];
    start_ =
        place.item * a.itemStride + w_ * a.inputStride[0] + h_ * a.inputStride[1] + d_ * a.inputStride[2];
  }

  __device__ __forceinline__ void bring(const ConvArgs& a, unsigned char* tile) {
    const auto* input = static_cast<const float*>(a.input);
    for (int c = firstChunk_; c < firstChunk_ + kChunksEach; ++c) {
      Chunk<T> chunk;
      for (int i = 0; i < kPerChunk<T>; ++i) {
        const int k = (step_ * kRowChunks + c) * kPerChunk<T> + i;
        float value = 0;
        if (exists_ && k < a.tapCount) {
          const Tap tap = a.taps[k];
          if (isInside(w_ + tap.w, a.in.w) && isInside(h_ + tap.h, a.in.h) && isInside(d_ + tap.d, a.in.d))
            value = input[start_ + tap.offset];
        }
        chunk.values[i] = fromFloat<T>(value);
      }
      *reinterpret_cast<Chunk<T>*>(tile + chunkAt(row_, c)) = chunk;
    }
    ++step_;
  }

 private:
  int row_, firstChunk_, step_ = 0;
  bool exists_;
  int w_, h_, d_;
  int64_t start_;
};

/// Filters lie in memory as a tile wants them.
template <int kFilters>
class FilterRows {
 public:
  __device__ __forceinline__ FilterRows(const ConvArgs& a, int firstFilter)
      : chunk_(static_cast<int>(threadIdx.x) % kRowChunks), row_(static_cast<int>(threadIdx.x) / kRowChunks) {
    pitch_ = (a.rowChunks + kRowChunks - 1) / kRowChunks * kRowBytes;
    next_ = static_cast<const unsigned char*>(a.weights) + int64_t{firstFilter + row_} * pitch_ +
            chunk_ * kChunkBytes;
  }

  __device__ __forceinline__ void bring(unsigned char* tile) {
    constexpr int kRowStep = kThreads / kRowChunks;
#pragma unroll
    for (int i = 0; i < (kFilters + kRowStep - 1) / kRowStep; ++i) {
      const int row = row_ + i * kRowStep;
      if (kFilters % kRowStep == 0 || row < kFilters)
        copyAsync(tile + chunkAt(row, chunk_), next_ + int64_t{i * kRowStep} * pitch_, true);
    }
    next_ += kRowBytes;
  }

 private:
  int chunk_, row_, pitch_;
  const unsigned char* next_;
};

}  // namespace otf::cuda
