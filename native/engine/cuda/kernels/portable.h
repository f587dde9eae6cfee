// What kernels are written with: CUDA, or the emulation of it on a CPU (OTF_CUDA_EMULATED).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#ifdef OTF_CUDA_EMULATED
#include "engine/cuda/emulation/cuda.h"
#include "engine/cuda/emulation/warp.h"
#else
#include <cuda_runtime.h>
#endif

#include "error/error.h"

namespace otf::cuda {

/// Throws kOutOfMemory or kEngineFailed with CUDA's words.
inline void check(cudaError_t error, const char* doing) {
  if (error == cudaSuccess) return;
  cudaGetLastError();  // what has been told once must not be met again by the next launch
  if (error == cudaErrorMemoryAllocation)
    throw OtfError(Code::kOutOfMemory, std::string("the GPU has not enough memory for ") + doing +
                                           "; use a smaller batch or tile");
  throw OtfError(Code::kEngineFailed, std::string("CUDA, ") + doing + ": " + cudaGetErrorString(error));
}

/// One-dimensional grids and blocks are all there is.
struct Launch {
  unsigned blocks, threads;
  size_t sharedBytes = 0;
};

#ifdef OTF_CUDA_EMULATED
template <typename Args>
void launch(void (*kernel)(Args), const Launch& size, cudaStream_t stream, const Args& args) {
  emulation::enqueue(
      stream, [=] { emulation::launch(size.blocks, size.threads, size.sharedBytes, [&] { kernel(args); }); });
}
/// A kernel may ask for more than 48 KB of shared memory.
template <typename Args>
void allowShared(void (*)(Args), size_t) {}
#elif defined(__CUDACC__)
template <typename Args>
void launch(void (*kernel)(Args), const Launch& size, cudaStream_t stream, const Args& args) {
  void* parameters[] = {const_cast<Args*>(&args)};
  check(cudaLaunchKernel(kernel, size.blocks, size.threads, parameters, size.sharedBytes, stream),
        "starting a kernel");
}
template <typename Args>
void allowShared(void (*kernel)(Args), size_t bytes) {
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)),
        "asking for shared memory");
}
#endif

}  // namespace otf::cuda
