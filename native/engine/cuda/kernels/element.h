// The numbers tensors are made of: 16 bytes hold a chunk of them, and a chunk is what threads move.
#pragma once

#ifdef OTF_CUDA_EMULATED
#include "engine/cuda/numbers/numbers.h"
#elif defined(__CUDACC__)
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#endif

#include "engine/cuda/kernels/portable.h"

namespace otf::cuda {

constexpr int kChunkBytes = 16;

struct Half {
  uint16_t bits;
};
struct BFloat {
  uint16_t bits;
};
/// A float rounded to the 10 bits of mantissa that tensor cores multiply.
struct Tf32 {
  float value;
};

template <typename T>
constexpr int kPerChunk = kChunkBytes / static_cast<int>(sizeof(T));

__device__ __forceinline__ float toFloat(float x) { return x; }
__device__ __forceinline__ float toFloat(Tf32 x) { return x.value; }

template <typename T>
__device__ __forceinline__ T fromFloat(float x);
template <>
__device__ __forceinline__ float fromFloat<float>(float x) {
  return x;
}

#ifdef OTF_CUDA_EMULATED
inline float toFloat(Half x) { return halfValue(x.bits); }
inline float toFloat(BFloat x) { return bfloatValue(x.bits); }
template <>
inline Half fromFloat<Half>(float x) {
  return {halfBits(x)};
}
template <>
inline BFloat fromFloat<BFloat>(float x) {
  return {bfloatBits(x)};
}
template <>
inline Tf32 fromFloat<Tf32>(float x) {
  return {tf32Value(x)};
}
#elif defined(__CUDACC__)
__device__ __forceinline__ float toFloat(Half x) { return __half2float(__ushort_as_half(x.bits)); }
__device__ __forceinline__ float toFloat(BFloat x) { return __uint_as_float(uint32_t{x.bits} << 16); }
template <>
__device__ __forceinline__ Half fromFloat<Half>(float x) {
  return {__half_as_ushort(__float2half_rn(x))};
}
template <>
__device__ __forceinline__ BFloat fromFloat<BFloat>(float x) {
  return {__bfloat16_as_ushort(__float2bfloat16_rn(x))};
}
template <>
__device__ __forceinline__ Tf32 fromFloat<Tf32>(float x) {
#if __CUDA_ARCH__ >= 800
  uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
  return {__uint_as_float(bits)};
#else
  return {x};  // not run: GPUs without tf32 are not offered it (run/device.cpp)
#endif
}
#endif

/// The elements of a chunk as one load or store.
template <typename T>
struct alignas(kChunkBytes) Chunk {
  T values[kPerChunk<T>];
};

}  // namespace otf::cuda
