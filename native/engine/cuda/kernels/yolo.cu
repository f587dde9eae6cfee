// What CIANNA saves of a YOLO layer (engine/yolo_output.cpp, which the CPU engines use): a thread has one box of
// one cell.
#include "engine/cuda/kernels/flow.h"

namespace otf::cuda {
namespace {

enum Row { kPosition, kSize, kProbability, kObjectness, kClass, kParameter };

__device__ __forceinline__ float limited(const YoloArgs& a, Row row, float x) {
  // In the order CIANNA tests them, so that NaN passes through.
  return x > a.max[row] ? a.max[row] : (x < a.min[row] ? a.min[row] : x);
}

__device__ __forceinline__ float sigmoid(const YoloArgs& a, Row row, float x) {
  return 1.0F / (1.0F + expf(limited(a, row, -a.slope[row] * x)));
}

__device__ __forceinline__ float linear(const YoloArgs& a, Row row, float x) {
  return limited(a, row, a.slope[row] * x);
}

__global__ void yoloKernel(YoloArgs a) {
  const int64_t cells = int64_t{a.grid.w} * a.grid.h * a.grid.d;
  const int planes = 8 + a.classes + a.parameters;
  eachElement(int64_t{a.items} * a.boxes * cells, [&](int64_t i) {
    const int64_t cell = i % cells;
    const int box = static_cast<int>(i / cells % a.boxes);
    const int64_t item = i / cells / a.boxes;
    const float* in = a.input + (item * cells + cell) * a.pitch + box * planes;
    float* out = a.output + (item * a.boxes + box) * planes * cells + cell;
    const int64_t index[3] = {cell % a.grid.w, cell / a.grid.w % a.grid.h, cell / a.grid.w / a.grid.h};
    for (int axis = 0; axis < 3; ++axis) {
      const bool fitted = axis < a.fitDim;
      const float position = fitted ? sigmoid(a, kPosition, in[axis]) : 0.5F;
      const float size = fitted ? linear(a, kSize, in[axis + 3]) : 0.0F;
      const float centre = (static_cast<float>(index[axis]) + position) * static_cast<float>(a.cell[axis]);
      const float half = 0.5F * a.priors[box * 3 + axis] * expf(size);
      out[axis * cells] = a.raw ? position : centre - half;
      out[(axis + 3) * cells] = a.raw ? size : centre + half;
    }
    out[6 * cells] = sigmoid(a, kProbability, in[6]);
    out[7 * cells] = sigmoid(a, kObjectness, in[7]);
    if (a.classSoftmax && a.classes > 0) {
      float largest = in[8];
      for (int k = 1; k < a.classes; ++k) largest = in[8 + k] > largest ? in[8 + k] : largest;
      float sum = 0;
      for (int k = 0; k < a.classes; ++k) sum += expf(in[8 + k] - largest);
      for (int k = 0; k < a.classes; ++k) out[(8 + k) * cells] = expf(in[8 + k] - largest) / sum;
    } else {
      for (int k = 0; k < a.classes; ++k) out[(8 + k) * cells] = sigmoid(a, kClass, in[8 + k]);
    }
    for (int k = 8 + a.classes; k < planes; ++k) out[k * cells] = linear(a, kParameter, in[k]);
  });
}

}  // namespace

void launchYolo(const YoloArgs& a, cudaStream_t stream) {
  const int64_t cells = int64_t{a.grid.w} * a.grid.h * a.grid.d;
  launch(yoloKernel, overElements(int64_t{a.items} * a.boxes * cells), stream, a);
}

}  // namespace otf::cuda
