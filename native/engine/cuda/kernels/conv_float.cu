// A file for each type: the compiler takes its time over them.
#include "engine/cuda/kernels/conv.h"

namespace otf::cuda {

template void launchConvOf<float>(const ConvArgs& args, size_t sharedLimit, cudaStream_t stream);

}  // namespace otf::cuda
