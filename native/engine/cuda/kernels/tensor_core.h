// Instructions that C++ has no words for: copies into shared memory that do not wait, and the tensor cores.
// Rows of 32 bytes are multiplied at a time: 16 values of 16 bits, or 8 of tf32.
#pragma once

#include "engine/cuda/kernels/element.h"

namespace otf::cuda {

#ifdef OTF_CUDA_EMULATED

inline unsigned char* sharedMemory() { return emulation::sharedMemory(); }
inline void syncThreads() { emulation::syncThreads(); }
inline void copyAsync(void* shared, const void* global, bool valid) {
  emulation::copyAsync(shared, global, valid);
}
inline void commitCopies() { emulation::commitCopies(); }
template <int left>
inline void waitForCopies() {
  emulation::waitForCopies(left);
}
inline void loadMatrices(uint32_t (&fragments)[4], const void* row) {
  emulation::loadMatrices(fragments, row);
}
inline void multiply(Half, float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  emulation::multiply(emulation::MmaType::kHalf, d, a, b0, b1);
}
inline void multiply(BFloat, float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  emulation::multiply(emulation::MmaType::kBFloat, d, a, b0, b1);
}
inline void multiply(Tf32, float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  emulation::multiply(emulation::MmaType::kTf32, d, a, b0, b1);
}

#else

__device__ __forceinline__ unsigned char* sharedMemory() {
  extern __shared__ __align__(1024) unsigned char memory[];
  return memory;
}
__device__ __forceinline__ void syncThreads() { __syncthreads(); }

/// 16 bytes; zeros where !valid, and then `global` is not read.
__device__ __forceinline__ void copyAsync(void* shared, const void* global, bool valid) {
#if __CUDA_ARCH__ >= 800
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(address), "l"(global),
               "r"(valid ? kChunkBytes : 0)
               : "memory");
#else
  *static_cast<uint4*>(shared) = valid ? *static_cast<const uint4*>(global) : make_uint4(0, 0, 0, 0);
#endif
}
__device__ __forceinline__ void commitCopies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
/// Until at most `left` committed groups of this thread are under way.
template <int left>
__device__ __forceinline__ void waitForCopies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(left) : "memory");
#endif
}

/// Four matrices of 8 rows of 16 bytes; lanes 8i to 8i+7 bring the rows of matrix i.
__device__ __forceinline__ void loadMatrices(uint32_t (&fragments)[4], const void* row) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(fragments[0]), "=r"(fragments[1]), "=r"(fragments[2]), "=r"(fragments[3])
               : "r"(address)
               : "memory");
}

#define OTF_MMA(shape, types, d, a, b0, b1)                                           \
  asm volatile("mma.sync.aligned." shape ".row.col.f32." types                        \
               ".f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" \
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                       \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1))

__device__ __forceinline__ void multiply(Half, float (&d)[4], const uint32_t (&a)[4], uint32_t b0,
                                         uint32_t b1) {
#if __CUDA_ARCH__ >= 800
  OTF_MMA("m16n8k16", "f16.f16", d, a, b0, b1);
#else
  // Turing multiplies half as deep at a time.
#define OTF_MMA_HALF(a0, a1, b)                                                                              \
  asm volatile(                                                                                              \
      "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};" \
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                                       \
      : "r"(a0), "r"(a1), "r"(b))
  OTF_MMA_HALF(a[0], a[1], b0);
  OTF_MMA_HALF(a[2], a[3], b1);
#undef OTF_MMA_HALF
#endif
}
// Not run below 8.0: those GPUs are not offered these types (run/device.cpp).
__device__ __forceinline__ void multiply(BFloat, float (&d)[4], const uint32_t (&a)[4], uint32_t b0,
                                         uint32_t b1) {
#if __CUDA_ARCH__ >= 800
  OTF_MMA("m16n8k16", "bf16.bf16", d, a, b0, b1);
#endif
}
__device__ __forceinline__ void multiply(Tf32, float (&d)[4], const uint32_t (&a)[4], uint32_t b0,
                                         uint32_t b1) {
#if __CUDA_ARCH__ >= 800
  OTF_MMA("m16n8k8", "tf32.tf32", d, a, b0, b1);
#endif
}
#undef OTF_MMA

#endif

}  // namespace otf::cuda
