// What the small kernels share: one thread an element, and a type chosen at run time.
#pragma once

#include "engine/cuda/kernels/activation.h"
#include "engine/cuda/kernels/tensor_core.h"

namespace otf::cuda {

constexpr int kFlowThreads = 256;

/// As many threads as elements, and no more blocks than a grid may have.
inline Launch overElements(int64_t count) {
  constexpr int64_t kMostBlocks = (int64_t{1} << 31) - 1;
  const int64_t blocks = (count + kFlowThreads - 1) / kFlowThreads;
  return {static_cast<unsigned>(blocks < 1 ? 1 : blocks < kMostBlocks ? blocks : kMostBlocks), kFlowThreads};
}

/// visit(i) for the elements of this thread.
template <typename Visit>
__device__ __forceinline__ void eachElement(int64_t count, Visit visit) {
  const int64_t step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) visit(i);
}

template <template <typename> typename Kernel, typename Args>
void launchFor(Element type, const Launch& size, const Args& args, cudaStream_t stream) {
  switch (type) {
    case Element::kFloat:
      return launch(Kernel<float>::run, size, stream, args);
    case Element::kTf32:
      return launch(Kernel<Tf32>::run, size, stream, args);
    case Element::kHalf:
      return launch(Kernel<Half>::run, size, stream, args);
    case Element::kBFloat:
      return launch(Kernel<BFloat>::run, size, stream, args);
  }
}

}  // namespace otf::cuda
