// Convolution as a matrix product that is never laid out: 128 outputs times a tile of filters a block, windows
// and filters brought into shared memory some steps ahead, bias and activation on the way out.
#pragma once

#include <algorithm>
#include <type_traits>

#include "engine/cuda/kernels/activation.h"
#include "engine/cuda/kernels/conv_windows.h"

namespace otf::cuda {

template <typename Out>
__device__ __forceinline__ void storePair(unsigned char* tile, int index, float a, float b) {
  struct alignas(2 * sizeof(Out)) Pair {
    Out a, b;
  };
  reinterpret_cast<Pair*>(tile)[index / 2] = {fromFloat<Out>(a), fromFloat<Out>(b)};
}

template <typename Out>
__device__ __forceinline__ void storeOne(unsigned char* tile, int index, float a) {
  reinterpret_cast<Out*>(tile)[index] = fromFloat<Out>(a);
}

/// Sums through `finish` into shared memory, pixel after pixel; rows are a chunk longer for the banks' sake.
template <typename Out, typename T, int kFilters, typename Finish>
__device__ __forceinline__ void layOut(const Sums<T, kFilters>& sums, unsigned char* tile, Finish finish) {
  constexpr int kPitch = kFilters + kPerChunk<Out>;
  if constexpr (std::is_same_v<T, float>) {
    sums.each([&](int pixel, int filter, float sum) {
      storeOne<Out>(tile, pixel * kPitch + filter, finish(filter, sum));
    });
  } else {
    sums.eachPair([&](int pixel, int filter, float a, float b) {
      storePair<Out>(tile, pixel * kPitch + filter, finish(filter, a), finish(filter + 1, b));
    });
  }
}

template <typename Out, int kFilters>
__device__ __forceinline__ void writeOut(const ConvArgs& a, const unsigned char* tile, int64_t firstPixel,
                                         int firstFilter) {
  constexpr int kChunks = kFilters / kPerChunk<Out>;
  constexpr int kPitch = kFilters + kPerChunk<Out>;
  for (int i = static_cast<int>(threadIdx.x); i < kTilePixels * kChunks; i += kThreads) {
    const int pixel = i / kChunks;
    const int filter = i % kChunks * kPerChunk<Out>;
    if (firstPixel + pixel >= a.pixels || firstFilter + filter >= a.outputPitch) continue;
    auto* target = static_cast<Out*>(a.output) + (firstPixel + pixel) * a.outputPitch + firstFilter + filter;
    *reinterpret_cast<Chunk<Out>*>(target) =
        *reinterpret_cast<const Chunk<Out>*>(reinterpret_cast<const Out*>(tile) + pixel * kPitch + filter);
  }
}

template <typename T, int kFilters, typename Activate>
__device__ __forceinline__ void finishTile(const ConvArgs& a, const Sums<T, kFilters>& sums,
                                           unsigned char* tile, int64_t firstPixel, int firstFilter,
                                           Activate activate) {
  const auto finish = [&](int filter, float sum) {
    const int f = firstFilter + filter;
    if (f >= a.filters) return 0.0F;  // what the flow has beyond its channels stays zero, whatever flows
    if (f == a.biasNode && a.activation.kind != PointActivation::kNone) return 0.0F;
    return activate(sum + a.bias[f]);
  };
  if (a.floatOutput) {
    layOut<float>(sums, tile, finish);
    syncThreads();
    writeOut<float, kFilters>(a, tile, firstPixel, firstFilter);
  } else {
    layOut<T>(sums, tile, finish);
    syncThreads();
    writeOut<T, kFilters>(a, tile, firstPixel, firstFilter);
  }
}

template <int kFilters>
constexpr int kStageBytes = (kTilePixels + kFilters) * kRowBytes;

template <typename T, int kFilters, template <typename> typename Windows>
__global__ void __launch_bounds__(kThreads, 2) convKernel(ConvArgs a) {
  const int64_t firstPixel = int64_t{blockIdx.x} / a.filterTiles * kTilePixels;
  const int firstFilter = static_cast<int>(blockIdx.x) % a.filterTiles * kFilters;
  unsigned char* memory = sharedMemory();
  Windows<T> windows(a, firstPixel);
  FilterRows<kFilters> filters(a, firstFilter);
  Sums<T, kFilters> sums;

  const int rowSteps = (a.rowChunks + kRowChunks - 1) / kRowChunks;
  const auto bring = [&](int step) {
    if (step < rowSteps) {
      unsigned char* stage = memory + step % a.stages * kStageBytes<kFilters>;
      windows.bring(a, stage);
      filters.bring(stage + kTilePixels * kRowBytes);
    }
    commitCopies();
  };
  for (int step = 0; step + 1 < a.stages; ++step) bring(step);
  for (int step = 0; step < rowSteps; ++step) {
    // One group is committed per step, empty ones too: this step's is the last but stages-2.
    if (a.stages == 2)
      waitForCopies<0>();
    else if (a.stages == 3)
      waitForCopies<1>();
    else
      waitForCopies<2>();
    syncThreads();
    bring(step + a.stages - 1);
    const unsigned char* stage = memory + step % a.stages * kStageBytes<kFilters>;
    const int chunks = a.rowChunks - step * kRowChunks;
    if (chunks >= kRowChunks) {
#pragma unroll
      for (int k = 0; k < kSteps; ++k) sums.addStep(stage, stage + kTilePixels * kRowBytes, k);
    } else {
      for (int k = 0; k * kStepChunks < chunks; ++k) sums.addStep(stage, stage + kTilePixels * kRowBytes, k);
    }
  }
  waitForCopies<0>();
  syncThreads();
  if (a.activation.kind == PointActivation::kRelu)
    finishTile(a, sums, memory, firstPixel, firstFilter, Relu{a.activation.saturation, a.activation.leak});
  else if (a.activation.kind == PointActivation::kLogistic)
    finishTile(a, sums, memory, firstPixel, firstFilter,
               Logistic{a.activation.saturation, a.activation.beta});
  else
    finishTile(a, sums, memory, firstPixel, firstFilter, [](float x) { return x; });
}

template <typename T, int kFilters>
void launchTiles(ConvArgs args, size_t sharedLimit, cudaStream_t stream) {
  constexpr size_t kMostStages = 4;
  // Two blocks should fit a multiprocessor: half of what there is, less a block's own kilobyte.
  constexpr size_t kGoodBytes = size_t{112} << 10;
  constexpr size_t kOutput = kTilePixels * (kFilters + 4) * sizeof(float);
  const size_t budget = std::min(sharedLimit, kGoodBytes);
  const size_t stages = std::clamp<size_t>(budget / kStageBytes<kFilters>, 2, kMostStages);
  args.stages = static_cast<int>(stages);
  args.filterTiles = (args.filters + kFilters - 1) / kFilters;
  const auto pixelTiles = static_cast<unsigned>((args.pixels + kTilePixels - 1) / kTilePixels);
  const Launch size{pixelTiles * static_cast<unsigned>(args.filterTiles), kThreads,
                    std::max(stages * kStageBytes<kFilters>, kOutput)};
  const auto kernel =
      args.taps != nullptr ? convKernel<T, kFilters, InputWindows> : convKernel<T, kFilters, FlowWindows>;
  allowShared(kernel, size.sharedBytes);
  launch(kernel, size, stream, args);
}

template <typename T>
void launchConvOf(const ConvArgs& args, size_t sharedLimit, cudaStream_t stream) {
  switch (filterTile(args.filters, sharedLimit)) {
    case 16:
      return launchTiles<T, 16>(args, sharedLimit, stream);
    case 32:
      return launchTiles<T, 32>(args, sharedLimit, stream);
    case 64:
      return launchTiles<T, 64>(args, sharedLimit, stream);
    case 96:
      return launchTiles<T, 96>(args, sharedLimit, stream);
    default:
      return launchTiles<T, 128>(args, sharedLimit, stream);
  }
}

}  // namespace otf::cuda
