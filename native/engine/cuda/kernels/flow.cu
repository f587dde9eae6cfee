// The layers that are no products: each value once, in FP32, from and to the type of the flow.
#include "engine/cuda/kernels/flow.h"

namespace otf::cuda {
namespace {

// Kernels are static members so that launchFor can name them by type.

template <typename T>
__global__ void ingestKernel(IngestArgs a) {
  eachElement(int64_t{a.items} * a.map * a.pitch, [&](int64_t i) {
    const int c = static_cast<int>(i % a.pitch);
    const int64_t pixel = i / a.pitch;
    float value = 0;
    if (c < a.channels) {
      const int64_t from = pixel / a.map * a.itemStride + int64_t{c} * a.map + pixel % a.map;
      value = a.floatInput ? static_cast<const float*>(a.input)[from]
                           : toFloat(static_cast<const T*>(a.input)[from]);
    }
    static_cast<T*>(a.output)[i] = fromFloat<T>(value);
  });
}

template <typename T>
__global__ void spreadKernel(SpreadArgs a) {
  const int64_t count = int64_t{a.items} * a.out.d * a.out.h * a.out.w * a.pitch;
  eachElement(count, [&](int64_t i) {
    const int c = static_cast<int>(i % a.pitch);
    int64_t rest = i / a.pitch;
    const int w = static_cast<int>(rest % a.out.w);
    rest /= a.out.w;
    const int h = static_cast<int>(rest % a.out.h);
    rest /= a.out.h;
    const int d = static_cast<int>(rest % a.out.d);
    rest /= a.out.d;
    T value = fromFloat<T>(0.0F);
    if (w % (a.zeros[0] + 1) == 0 && h % (a.zeros[1] + 1) == 0 && d % (a.zeros[2] + 1) == 0) {
      const int64_t pixel =
          ((rest * a.in.d + d / (a.zeros[2] + 1)) * a.in.h + h / (a.zeros[1] + 1)) * a.in.w +
          w / (a.zeros[0] + 1);
      value = static_cast<const T*>(a.input)[pixel * a.pitch + c];
    }
    static_cast<T*>(a.output)[i] = value;
  });
}

template <typename T>
__global__ void poolKernel(PoolArgs a) {
  const int64_t count = int64_t{a.items} * a.out.d * a.out.h * a.out.w * a.pitch;
  eachElement(count, [&](int64_t i) {
    const int c = static_cast<int>(i % a.pitch);
    int64_t rest = i / a.pitch;
    const int w0 = static_cast<int>(rest % a.out.w) * a.stride[0] - a.padding[0];
    rest /= a.out.w;
    const int h0 = static_cast<int>(rest % a.out.h) * a.stride[1] - a.padding[1];
    rest /= a.out.h;
    const int d0 = static_cast<int>(rest % a.out.d) * a.stride[2] - a.padding[2];
    rest /= a.out.d;
    float sum = 0;
    float largest = 0;
    int seen = 0;
    for (int d = d0 < 0 ? 0 : d0; d < d0 + a.size[2] && d < a.in.d; ++d) {
      for (int h = h0 < 0 ? 0 : h0; h < h0 + a.size[1] && h < a.in.h; ++h) {
        for (int w = w0 < 0 ? 0 : w0; w < w0 + a.size[0] && w < a.in.w; ++w) {
          const int64_t pixel = ((rest * a.in.d + d) * a.in.h + h) * a.in.w + w;
          const float value = toFloat(static_cast<const T*>(a.input)[pixel * a.pitch + c]);
          if (seen == 0 || value > largest) largest = value;
          sum += value;
          ++seen;
        }
      }
    }
    const float pooled = (a.largest ? largest : sum / static_cast<float>(seen)) * a.scale;
    static_cast<T*>(a.output)[i] = fromFloat<T>(c < a.channels ? activated(a.activation, pooled) : 0.0F);
  });
}

template <typename T>
__global__ void lrnKernel(LrnArgs a) {
  eachElement(a.pixels * a.pitch, [&](int64_t i) {
    const int c = static_cast<int>(i % a.pitch);
    const T* pixel = static_cast<const T*>(a.input) + (i - c);
    float value = 0;
    if (c < a.channels) {
      const int first = c - a.range / 2 < 0 ? 0 : c - a.range / 2;
      const int last = c + a.range / 2 > a.channels - 1 ? a.channels - 1 : c + a.range / 2;
      float squares = 0;
      for (int k = first; k <= last; ++k) squares += toFloat(pixel[k]) * toFloat(pixel[k]);
      value = toFloat(pixel[c]) / powf(a.k + a.alpha * squares / static_cast<float>(a.range), a.beta);
    }
    static_cast<T*>(a.output)[i] = fromFloat<T>(value);
  });
}

// The mask of engine/dropout.cpp, value for value.
__device__ __forceinline__ uint64_t mixed(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

__device__ __forceinline__ bool keeps(const PointArgs& a, int64_t item, int64_t element) {
  const uint64_t key = mixed(mixed(a.seed + static_cast<uint64_t>(item) + 0x9e3779b97f4a7c15ULL) ^
                             (uint64_t{a.repeat} << 32 | a.layer));
  return mixed(key + static_cast<uint64_t>(element) * 0x9e3779b97f4a7c15ULL) >> 11 >= a.threshold;
}

template <typename T>
__device__ __forceinline__ void points(const PointArgs& a) {
  eachElement(int64_t{a.items} * a.map * a.pitch, [&](int64_t i) {
    const int c = static_cast<int>(i % a.pitch);
    if (c >= a.channels) {
      static_cast<T*>(a.output)[i] = fromFloat<T>(0.0F);
      return;
    }
    float value = toFloat(static_cast<const T*>(a.input)[i]);
    if (c == a.biasNode) {
      if (a.activation.kind != PointActivation::kNone) value = 0;
    } else {
      const int64_t pixel = i / a.pitch;
      if (a.drops && !keeps(a, pixel / a.map, int64_t{c} * a.map + pixel % a.map)) value = 0;
      value = activated(a.activation, value);
    }
    static_cast<T*>(a.output)[i] = fromFloat<T>(value);
  });
}

template <typename T>
__global__ void pointKernel(PointArgs a) {
  if (a.floatData)
    points<float>(a);
  else
    points<T>(a);
}

template <typename T>
__global__ void outputKernel(OutputArgs a) {
  eachElement(int64_t{a.items} * a.map * a.channels, [&](int64_t i) {
    const int64_t pixel = i % a.map;
    const int64_t c = i / a.map % a.channels;
    const int64_t from = (i / a.map / a.channels * a.map + pixel) * a.pitch + c;
    a.output[i] = a.floatData ? static_cast<const float*>(a.input)[from]
                              : toFloat(static_cast<const T*>(a.input)[from]);
  });
}

#define OTF_BY_TYPE(Name, kernel, Args)             \
  template <typename T>                             \
  struct Name {                                     \
    static constexpr void (*run)(Args) = kernel<T>; \
  };
OTF_BY_TYPE(Ingest, ingestKernel, IngestArgs)
OTF_BY_TYPE(Spread, spreadKernel, SpreadArgs)
OTF_BY_TYPE(Pool, poolKernel, PoolArgs)
OTF_BY_TYPE(Lrn, lrnKernel, LrnArgs)
OTF_BY_TYPE(Point, pointKernel, PointArgs)
OTF_BY_TYPE(Output, outputKernel, OutputArgs)
#undef OTF_BY_TYPE

}  // namespace

void launchIngest(Element type, const IngestArgs& a, cudaStream_t stream) {
  launchFor<Ingest>(type, overElements(int64_t{a.items} * a.map * a.pitch), a, stream);
}

void launchSpread(Element type, const SpreadArgs& a, cudaStream_t stream) {
  launchFor<Spread>(type, overElements(int64_t{a.items} * a.out.d * a.out.h * a.out.w * a.pitch), a, stream);
}

void launchPool(Element type, const PoolArgs& a, cudaStream_t stream) {
  launchFor<Pool>(type, overElements(int64_t{a.items} * a.out.d * a.out.h * a.out.w * a.pitch), a, stream);
}

void launchLrn(Element type, const LrnArgs& a, cudaStream_t stream) {
  launchFor<Lrn>(type, overElements(a.pixels * a.pitch), a, stream);
}

void launchPoint(Element type, const PointArgs& a, cudaStream_t stream) {
  launchFor<Point>(type, overElements(int64_t{a.items} * a.map * a.pitch), a, stream);
}

void launchOutput(Element type, const OutputArgs& a, cudaStream_t stream) {
  launchFor<Output>(type, overElements(int64_t{a.items} * a.map * a.channels), a, stream);
}

}  // namespace otf::cuda
