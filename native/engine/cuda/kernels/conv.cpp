#include <array>

#include "engine/cuda/kernels/element.h"
#include "engine/cuda/kernels/kernels.h"

namespace otf::cuda {

template <typename T>
void launchConvOf(const ConvArgs& args, size_t sharedLimit, cudaStream_t stream);  // conv_*.cu

int filterTile(int filters, size_t sharedLimit) {
  if (filters <= 16) return 16;
  if (filters <= 32) return 32;
  // The least waste; of equals the widest.
  constexpr size_t kWidestNeeds = size_t{68} << 10;  // to lay out its sums
  int best = 0;
  int bestWidth = 0;
  for (const int tile : {128, 96, 64}) {
    const int width = (filters + tile - 1) / tile * tile;
    if ((best != 0 && width >= bestWidth) || (tile == 128 && sharedLimit < kWidestNeeds)) continue;
    best = tile;
    bestWidth = width;
  }
  return best;
}

void launchConv(Element type, const ConvArgs& args, size_t sharedLimit, cudaStream_t stream) {
  switch (type) {
    case Element::kFloat:
      return launchConvOf<float>(args, sharedLimit, stream);
    case Element::kTf32:
      return launchConvOf<Tf32>(args, sharedLimit, stream);
    case Element::kHalf:
      return launchConvOf<Half>(args, sharedLimit, stream);
    case Element::kBFloat:
      return launchConvOf<BFloat>(args, sharedLimit, stream);
  }
}

}  // namespace otf::cuda
