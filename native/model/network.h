// A CIANNA network as plain, validated data: what the file says, nothing about how it is run.
// Source: CIANNA 1.0 (conv_layer.c, pool_layer.c, dense_layer.c, norm_layer.c, lrn_layer.c, auxil.c).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace otf {

/// Spatial size of a tensor in elements; W is the fastest axis.
struct Extent {
  int w = 1, h = 1, d = 1;
  bool operator==(const Extent&) const = default;
};

/// One item (no batch axis): c channels of an extent; memory order C, D, H, W with W fastest.
struct Shape {
  Extent extent;
  int c = 1;
  int64_t values() const { return int64_t{extent.w} * extent.h * extent.d * c; }
  bool operator==(const Shape&) const = default;
};

enum class ActivationKind { kLinear, kRelu, kLogistic, kSoftmax, kYolo };

/// `RELU[_S<saturation>][_L<leak>]`, `LOGI[_S<saturation>][_B<beta>]`, `SMAX`, `LIN`, `YOLO`.
struct Activation {
  ActivationKind kind = ActivationKind::kLinear;
  float saturation = 800.0F;  // RELU: knee of the upper branch; LOGI: largest exponent
  float leak = 0.05F;         // RELU: slope below 0 and above the knee
  float beta = 1.0F;          // LOGI: steepness
};

/// The six rows of CIANNA's slopes_and_maxes_tab, in its order.
enum YoloRow { kRowPosition, kRowSize, kRowProbability, kRowObjectness, kRowClass, kRowParameter, kYoloRows };

struct SlopeLimits {
  float slope = 1.0F, max = 6.0F, min = -6.0F;
};

struct YoloHead {
  int boxes = 0, classes = 0, parameters = 0;
  int fitDim = 2;  // how many of x, y, z are fitted; the others are 0.5 (position) and 0 (size)
  bool classSoftmax = false;
  std::vector<std::array<float, 3>>
      priors;  // per box w, h, d in input pixels, as stored (0 on axes not fitted)
  std::array<SlopeLimits, kYoloRows> rows;
  int planesPerBox() const { return 8 + classes + parameters; }
  int planes() const { return boxes * planesPerBox(); }
};

using Triple = std::array<int, 3>;  // per axis, in the file's order W, H, D

struct ConvLayer {
  int filters = 0;
  Triple size{1, 1, 1}, stride{1, 1, 1}, padding{0, 0, 0}, intPadding{0, 0, 0};
  Shape trainedInput;    // input seen in training; binding after a dense layer (how to fold the values)
  float dropout = 0.0F;  // rate; scales pre-activations by 1-rate when above 0.01
  float bias = 0.1F;     // value of the constant bias input
  Activation activation;
  YoloHead yolo;               // meaningful when activation.kind is kYolo
  std::vector<float> weights;  // [filters][channels][d][h][w] then the bias weight of that filter
  int channels() const { return trainedInput.c; }
  int64_t weightsPerFilter() const { return int64_t{channels()} * size[0] * size[1] * size[2] + 1; }
};

enum class PoolKind { kMax, kAverage };

struct PoolLayer {
  PoolKind kind = PoolKind::kMax;
  Triple size{1, 1, 1}, stride{1, 1, 1}, padding{0, 0, 0};
  bool global = false;  // the window is the whole map, whatever its size
  float dropout = 0.0F;
  Activation activation;
};

struct DenseLayer {
  int neurons = 0;
  int64_t inputs =
      0;  // rows of `weights`: input values plus, after a spatial layer or the network input, one bias node
  float dropout = 0.0F, bias = 0.1F;
  Activation activation;
  std::vector<float> weights;  // [inputs][neurons + 1]
};

/// Its activation is read but not applied: CIANNA's C_NAIV and C_BLAS leave it out (naiv_norm_layer.c) and the
/// conformance outputs agree; its CUDA path applies it. A file that has one other than LIN gives a warning.
struct GroupNormLayer {
  int groupSize = 1, setOff = 0;
  Activation activation;
  std::vector<float> gamma, beta;  // one per group
};

struct LrnLayer {
  int range = 1;
  float k = 1.0F, alpha = 1.0F, beta = 0.5F;
  Activation activation;
};

using Layer = std::variant<ConvLayer, PoolLayer, DenseLayer, GroupNormLayer, LrnLayer>;

struct Network {
  Shape trained;       // the input the file was trained with; only `c` binds a fully convolutional network
  bool binary = true;  // which of the two file kinds it came from
  std::vector<Layer> layers;
  std::vector<std::string> warnings;  // one line each: read, but worth a person's attention

  bool fullyConvolutional() const;  // no dense layer and no layer whose weights depend on the extent
  const YoloHead* yolo() const;     // head of the last layer, or nullptr
  int64_t parameterCount() const;   // weights as stored, bias weights included
};

/// What flows between layers: a spatial map, or (after a dense layer) `flat` values that include the bias node.
struct LayerShape {
  Shape shape;  // dense: {1,1,1} x (neurons + 1)
  bool flat = false;
};

/// Output shape of every layer for an input of `extent` (channels are the network's own).
/// Throws kShapeMismatch, naming the layer, when the input is too small, or its size does not fit a dense layer.
std::vector<LayerShape> inferShapes(const Network& network, Extent extent);

/// With `zeros` zeros between values that were neighbours, as a convolution with internal padding sees its input. It
/// fits where inferShapes has not thrown.
Extent spreadExtent(const Extent& extent, const Triple& zeros);

/// Multiply-adds x 2 of one item at `extent`, per layer (convolutions and dense layers; others count 0).
std::vector<double> layerFlops(const Network& network, Extent extent);
double networkFlops(const Network& network, Extent extent);  // their sum

/// "conv 5x5x32 RELU", one line per layer for people.
std::string describeLayer(const Layer& layer);
std::string activationString(const Activation& activation);  // as CIANNA writes it

/// Read a network from bytes (either kind) or a file. Throws kModelMalformed naming layer and byte offset,
/// kModelUnsupported, kModelUnreadable. Never allocates more than the bytes justify. Thread-safe.
Network parseNetwork(std::span<const std::byte> bytes);
/// `sha256`: what the file must have, else kModelChecksum; empty: whatever is there.
Network readNetwork(const std::filesystem::path& path, const std::string& sha256 = {});

/// The binary file of a network, byte for byte what CIANNA's save(bin=1) would hold.
std::vector<std::byte> writeNetwork(const Network& network);

}  // namespace otf
