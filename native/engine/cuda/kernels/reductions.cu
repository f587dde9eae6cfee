// Layers that need sums over a map: group norm and softmax. A block does a few groups, or an item, alone, always
// in the same order: the same input gives the same answer.
#include "engine/cuda/kernels/flow.h"

namespace otf::cuda {
namespace {

/// A sum that keeps what rounding would lose: maps have a million values.
class CarefulSum {
 public:
  __device__ __forceinline__ void add(float x) {
    const float y = x - lost_;
    const float next = sum_ + y;
    lost_ = (next - sum_) - y;
    sum_ = next;
  }
  __device__ __forceinline__ float value() const { return sum_; }

 private:
  float sum_ = 0, lost_ = 0;
};

/// Which values a thread has of `channels` neighbouring ones of a map: one channel of every few pixels, or all
/// pixels of every few channels where there are many.
template <typename Visit>
__device__ __forceinline__ void eachOf(int channels, int map, Visit visit) {
  const int thread = static_cast<int>(threadIdx.x);
  const int threads = static_cast<int>(blockDim.x);
  if (channels >= threads) {
    for (int pixel = 0; pixel < map; ++pixel)
      for (int c = thread; c < channels; c += threads) visit(pixel, c);
    return;
  }
  const int step = threads / channels;
  if (thread >= step * channels) return;
  for (int pixel = thread / channels; pixel < map; pixel += step) visit(pixel, thread % channels);
}

/// Adds the values of all threads whose group is the same; shared: a float per thread, then one per group.
__device__ __forceinline__ float groupTotal(float mine, int group, int groups, int perGroup, float* shared) {
  const int thread = static_cast<int>(threadIdx.x);
  const int threads = static_cast<int>(blockDim.x);
  syncThreads();
  shared[thread] = mine;
  syncThreads();
  if (thread < groups) {
    CarefulSum sum;
    // Threads of a group: eachOf gives thread t the channel t % channels, or any channel when there is one group.
    if (groups == 1) {
      for (int t = 0; t < threads; ++t) sum.add(shared[t]);
    } else {
      const int channels = groups * perGroup;
      for (int first = thread * perGroup; first < threads; first += channels)
        for (int t = first; t < first + perGroup && t < threads; ++t) sum.add(shared[t]);
    }
    shared[threads + thread] = sum.value();
  }
  syncThreads();
  return shared[threads + group];
}

constexpr int kNormThreads = 256;
constexpr int kBundleChannels = 64;
constexpr float kEpsilon = 0.001F;

/// Groups a block does.
int bundleOf(const NormArgs& a) {
  const int fit = kBundleChannels / a.groupSize;
  return fit < 1 ? 1 : (fit < a.groups ? fit : a.groups);
}

struct BundledNorm {
  NormArgs norm;
  int bundle, bundles;
};

template <typename T>
__global__ void normKernel(BundledNorm b) {
  const NormArgs& a = b.norm;
  auto* shared = reinterpret_cast<float*>(sharedMemory());
  const int64_t item = blockIdx.x / static_cast<unsigned>(b.bundles);
  const int firstGroup = static_cast<int>(blockIdx.x % static_cast<unsigned>(b.bundles)) * b.bundle;
  const int groups = b.bundle < a.groups - firstGroup ? b.bundle : a.groups - firstGroup;
  const int firstChannel = firstGroup * a.groupSize;
  // Threads are laid out as if the last group were whole; the channels it lacks have no values.
  const int width = groups * a.groupSize;
  const int channels = a.channels - firstChannel < width ? a.channels - firstChannel : width;
  const int group = groups == 1 ? 0 : static_cast<int>(threadIdx.x) % width / a.groupSize;
  const int lastSize = channels - (groups - 1) * a.groupSize;
  const float count =
      static_cast<float>(a.map) * static_cast<float>(group == groups - 1 ? lastSize : a.groupSize);
  T* data = static_cast<T*>(a.data) + item * a.map * a.pitch + firstChannel;

  CarefulSum sum;
  eachOf(width, a.map, [&](int pixel, int c) {
    if (c < channels) sum.add(toFloat(data[int64_t{pixel} * a.pitch + c]));
  });
  const float mean = groupTotal(sum.value(), group, groups, a.groupSize, shared) / count;
  CarefulSum squares;
  eachOf(width, a.map, [&](int pixel, int c) {
    if (c >= channels) return;
    const float distance = toFloat(data[int64_t{pixel} * a.pitch + c]) - mean;
    squares.add(distance * distance);
  });
  const float variance = groupTotal(squares.value(), group, groups, a.groupSize, shared) / count;
  const float scale = a.gamma[firstGroup + group] / sqrtf(variance + kEpsilon);
  const float shift = a.beta[firstGroup + group];
  eachOf(width, a.map, [&](int pixel, int c) {
    if (c >= channels) return;
    T& value = data[int64_t{pixel} * a.pitch + c];
    value = fromFloat<T>(scale * (toFloat(value) - mean) + shift);
  });
}

template <typename T>
struct Norm {
  static constexpr void (*run)(BundledNorm) = normKernel<T>;
};

template <typename T>
__device__ __forceinline__ void softmaxItem(const SoftmaxArgs& a) {
  auto* shared = reinterpret_cast<float*>(sharedMemory());
  T* data = static_cast<T*>(a.data) + int64_t{blockIdx.x} * a.map * a.pitch;
  const auto eachValue = [&](auto visit) {
    eachOf(a.pitch, a.map, [&](int pixel, int c) {
      if (c < a.channels && c != a.biasNode) visit(data[int64_t{pixel} * a.pitch + c]);
    });
  };
  const int thread = static_cast<int>(threadIdx.x);
  const int threads = static_cast<int>(blockDim.x);
  float largest = -INFINITY;
  eachValue([&](const T& x) { largest = toFloat(x) > largest ? toFloat(x) : largest; });
  shared[thread] = largest;
  syncThreads();
  if (thread == 0) {
    for (int t = 1; t < threads; ++t) largest = shared[t] > largest ? shared[t] : largest;
    shared[threads] = largest;
  }
  syncThreads();
  largest = shared[threads];
  CarefulSum sum;
  eachValue([&](const T& x) { sum.add(expf(toFloat(x) - largest)); });
  const float total = groupTotal(sum.value(), 0, 1, 1, shared);
  eachValue([&](T& x) { x = fromFloat<T>(expf(toFloat(x) - largest) / total); });
  if (a.biasNode >= 0 && thread == 0) data[a.biasNode] = fromFloat<T>(0.0F);
}

template <typename T>
__global__ void softmaxKernel(SoftmaxArgs a) {
  if (a.floatData)
    softmaxItem<float>(a);
  else
    softmaxItem<T>(a);
}

template <typename T>
struct Softmax {
  static constexpr void (*run)(SoftmaxArgs) = softmaxKernel<T>;
};

}  // namespace

void launchGroupNorm(Element type, const NormArgs& args, cudaStream_t stream) {
  if (args.groups < 1) return;
  BundledNorm bundled{args, bundleOf(args), 0};
  bundled.bundles = (args.groups + bundled.bundle - 1) / bundled.bundle;
  const auto blocks = static_cast<unsigned>(args.items) * static_cast<unsigned>(bundled.bundles);
  launchFor<Norm>(type, {blocks, kNormThreads, 2 * kNormThreads * sizeof(float)}, bundled, stream);
}

void launchSoftmax(Element type, const SoftmaxArgs& args, cudaStream_t stream) {
  launchFor<Softmax>(type,
                     {static_cast<unsigned>(args.items), kNormThreads, 2 * kNormThreads * sizeof(float)},
                     args, stream);
}

}  // namespace otf::cuda
