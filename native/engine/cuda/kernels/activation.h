// CIANNA's activations of one value.
#pragma once

#include <cmath>

#include "engine/cuda/kernels/element.h"
#include "engine/cuda/kernels/kernels.h"

namespace otf::cuda {

struct Relu {
  float saturation, leak;
  __device__ __forceinline__ float operator()(float x) const {
    return x <= 0.0F ? leak * x : (x > saturation ? saturation + leak * (x - saturation) : x);
  }
};

struct Logistic {
  float saturation, beta;
  __device__ __forceinline__ float operator()(float x) const {
    const float exponent = -beta * x;
    return 1.0F / (1.0F + expf(exponent > saturation ? saturation : exponent));
  }
};

__device__ __forceinline__ float activated(const PointActivation& a, float x) {
  if (a.kind == PointActivation::kRelu) return Relu{a.saturation, a.leak}(x);
  if (a.kind == PointActivation::kLogistic) return Logistic{a.saturation, a.beta}(x);
  return x;
}

}  // namespace otf::cuda
