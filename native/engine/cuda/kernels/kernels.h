// The kernels, as host code sees them. Tensors of the flow are [item][d][h][w][pitch] with channels last: pitch
// is the channels rounded up to kChannelStep, and what is beyond them is zero. All work is put on a stream.
#pragma once

#include "engine/cuda/kernels/portable.h"

namespace otf::cuda {

/// What the flow is stored and multiplied in; sums are always FP32.
enum class Element { kFloat, kTf32, kHalf, kBFloat };
constexpr int elementBytes(Element type) { return type == Element::kFloat || type == Element::kTf32 ? 4 : 2; }

constexpr int kChannelStep = 8;
constexpr int padded(int channels) { return (channels + kChannelStep - 1) / kChannelStep * kChannelStep; }

/// Both sides of a saturated leaky RELU, a logistic function, or nothing.
struct PointActivation {
  enum Kind { kNone, kRelu, kLogistic } kind = kNone;
  float saturation = 0, leak = 0, beta = 0;
};

struct Map {
  int w = 1, h = 1, d = 1;
};

/// One value of a window of the network's input: where it is from the window's first one.
struct Tap {
  int w, h, d;
  int64_t offset;  // in elements
};

/// Rows of a kernel's matrices are walked in steps of these bytes.
constexpr int kRowBytes = 128;

struct ConvArgs {
  const void* input = nullptr;
  const void* weights =
      nullptr;  // [filters, padded to tiles][rowChunks * 16 bytes], a filter's taps in order d, h, w
  const float* bias = nullptr;  // as many
  void* output = nullptr;
  bool floatOutput = false;  // else the type of the flow
  int64_t pixels = 0;        // of all outputs: items * map
  Map in, out;
  int pitch = 0;                                                           // of the input
  int size[3] = {1, 1, 1}, stride[3] = {1, 1, 1}, padding[3] = {0, 0, 0};  // w, h, d
  int rowChunks = 0;  // of a filter, padding of the last step left out
  int filters = 0, outputPitch = 0;
  int filterTiles = 0;  // set by launchConv
  int stages = 0;       // likewise
  PointActivation activation;
  int biasNode = -1;  // this filter is the bias node of a dense layer: zero after any activation but none
  // The network's own input instead: FP32, channels first, one value at a time.
  const Tap* taps = nullptr;
  int tapCount = 0;
  int64_t itemStride = 0;
  int64_t inputStride[3] = {1, 1, 1};  // w, h, d
};

/// How wide a tile of filters `filters` are best cut into; weights are padded to whole tiles.
int filterTile(int filters, size_t sharedLimit);
void launchConv(Element type, const ConvArgs& args, size_t sharedLimit, cudaStream_t stream);

/// Channels first to the flow: [item][c][d][h][w] FP32 (or a dense layer's values, in the type of the flow).
struct IngestArgs {
  const void* input;
  void* output;
  bool floatInput;
  int64_t itemStride;  // of the input
  int channels, pitch, map, items;
};
void launchIngest(Element type, const IngestArgs& args, cudaStream_t stream);

/// Spreads elements `zeros` apart, zeros between: CIANNA's internal padding.
struct SpreadArgs {
  const void* input;
  void* output;
  Map in, out;
  int zeros[3];
  int pitch, items;
};
void launchSpread(Element type, const SpreadArgs& args, cudaStream_t stream);

struct PoolArgs {
  const void* input;
  void* output;
  Map in, out;
  int size[3], stride[3], padding[3];
  bool largest;
  float scale;  // after pooling: AVG_MODEL dropout
  PointActivation activation;
  int channels, pitch, items;
};
void launchPool(Element type, const PoolArgs& args, cudaStream_t stream);

struct NormArgs {
  void* data;
  const float *gamma, *beta;
  int groupSize, groups;  // those that are normalised
  int channels, pitch, map, items;
};
void launchGroupNorm(Element type, const NormArgs& args, cudaStream_t stream);

struct LrnArgs {
  const void* input;
  void* output;
  int range;
  float k, alpha, beta;
  int channels, pitch;
  int64_t pixels;
};
void launchLrn(Element type, const LrnArgs& args, cudaStream_t stream);

/// Dropout of MC_MODEL, then an activation; output may be input.
struct PointArgs {
  const void* input;
  void* output;
  bool floatData;  // else the type of the flow
  PointActivation activation;
  int biasNode;  // as in ConvArgs, -1: none
  bool drops;    // by the mask of (seed + item, repeat, layer)
  uint64_t seed, threshold;
  uint32_t repeat, layer;
  int channels, pitch, map, items;
};
void launchPoint(Element type, const PointArgs& args, cudaStream_t stream);

/// Over all values of an item, or its first `channels` when the rest is a bias node, which becomes zero.
struct SoftmaxArgs {
  void* data;
  bool floatData;
  int channels, biasNode, pitch, map, items;
};
void launchSoftmax(Element type, const SoftmaxArgs& args, cudaStream_t stream);

/// Channels first, FP32, and of a YOLO head what CIANNA saves (engine/yolo_output.h).
struct OutputArgs {
  const void* input;
  float* output;
  bool floatData;
  int channels, pitch, map, items;
};
void launchOutput(Element type, const OutputArgs& args, cudaStream_t stream);

struct YoloArgs {
  const float* input;
  float* output;
  const float* priors;  // [box][w, h, d]
  int boxes, classes, parameters, fitDim;
  bool classSoftmax, raw;
  float slope[6], max[6], min[6];  // YoloRow
  Map grid;
  int cell[3];  // pixels, w, h, d
  int pitch, items;
};
void launchYolo(const YoloArgs& args, cudaStream_t stream);

}  // namespace otf::cuda
