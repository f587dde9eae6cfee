#include "model/architectures.h"

#include <cmath>
#include <numbers>

#include "error/error.h"
#include "model/assembly.h"

namespace otf {
namespace {

// SplitMix64 and Box-Muller: std::normal_distribution differs between standard libraries.
class Normal {
 public:
  explicit Normal(uint64_t seed) : state_(seed) {}
  float next() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return static_cast<float>(radius * std::cos(2.0 * std::numbers::pi * uniform()));
  }

 private:
  double uniform() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
  }
  uint64_t state_;
};

struct Step {
  int size, filters, stride;  // square kernels; 0 filters: group norm of `size` channels
  float dropout = 0.0F;
};

Network build(Extent extent, const std::vector<Step>& steps, const YoloHead& head) {
  Network network;
  network.trained = {extent, 1};
  Shape flow = network.trained;
  for (const Step& step : steps) {
    if (step.filters == 0) {
      GroupNormLayer norm;
      norm.groupSize = step.size;
      const auto groups = static_cast<size_t>((flow.c + step.size - 1) / step.size);
      norm.gamma.assign(groups, 1.0F);
      norm.beta.assign(groups, 0.0F);
      network.layers.emplace_back(std::move(norm));
      continue;
    }
    ConvLayer conv;
    conv.filters = step.filters;
    conv.size = {step.size, step.size, 1};
    conv.stride = {step.stride, step.stride, 1};
    const int same = step.size % 2 == 1 ? step.size / 2 : 0;
    conv.padding = {same, same, 0};
    conv.trainedInput = flow;
    conv.dropout = step.dropout;
    const bool last = &step == &steps.back();
    conv.activation.kind = last ? ActivationKind::kYolo : ActivationKind::kRelu;
    if (last) conv.yolo = head;
    network.layers.emplace_back(std::move(conv));
    flow = inferShapes(network, extent).back().shape;
  }
  return network;
}

YoloHead head(std::vector<std::array<float, 3>> priors) {
  YoloHead yolo;
  yolo.boxes = static_cast<int>(priors.size());
  yolo.parameters = 5;
  yolo.priors = std::move(priors);
  yolo.rows = {SlopeLimits{0.5F, 6.0F, -6.0F},
               {0.5F, 1.8F, -1.4F},
               {0.2F, 6.0F, -6.0F},
               {0.5F, 6.0F, -6.0F},
               {1.0F, 6.0F, -6.0F},
               {1.0F, 1.5F, -0.2F}};
  return yolo;
}

Network sdc1() {
  return build({512, 512, 1},
               {{5, 32, 1},
                {2, 16, 2},
                {3, 24, 1},
                {3, 32, 1},
                {2, 64, 2},
                {1, 128, 1},
                {3, 192, 1},
                {2, 128, 2},
                {1, 192, 1},
                {3, 384, 1},
                {1, 256, 1},
                {3, 384, 1},
                {2, 512, 2},
                {1, 768, 1},
                {3, 1024, 1},
                {4, 0, 1},
                {1, 2048, 1, 0.25F},
                {1, 117, 1}},
               head({{6, 6, 1},
                     {6, 6, 1},
                     {6, 6, 1},
                     {12, 12, 1},
                     {12, 12, 1},
                     {9, 21, 1},
                     {21, 9, 1},
                     {24, 24, 1},
                     {48, 48, 1}}));
}

Network demo() {
  return build({128, 128, 1},
               {{5, 8, 1},
                {2, 12, 2},
                {3, 16, 1},
                {2, 24, 2},
                {3, 32, 1},
                {2, 48, 2},
                {3, 64, 1},
                {2, 96, 2},
                {3, 128, 1},
                {4, 0, 1},
                {1, 256, 1, 0.1F},
                {1, 65, 1}},
               head({{6, 6, 1}, {6, 6, 1}, {12, 9, 1}, {9, 12, 1}, {24, 24, 1}}));
}

void fill(std::vector<float>& weights, int64_t count, double scale, Normal& normal) {
  weights.resize(static_cast<size_t>(count));
  for (float& weight : weights) weight = static_cast<float>(scale) * normal.next();
}

}  // namespace

void randomiseWeights(Network& network, uint64_t seed) {
  Normal normal(seed);
  for (Layer& layer : network.layers) {
    if (auto* conv = std::get_if<ConvLayer>(&layer); conv != nullptr) {
      const double fanIn = static_cast<double>(conv->weightsPerFilter());
      fill(conv->weights, conv->weightsPerFilter() * conv->filters, std::sqrt(2.0 / fanIn), normal);
    } else if (auto* dense = std::get_if<DenseLayer>(&layer); dense != nullptr) {
      fill(dense->weights, dense->inputs * (dense->neurons + 1),
           std::sqrt(2.0 / static_cast<double>(dense->inputs)), normal);
    }
  }
}

std::vector<std::string_view> architectureNames() { return {"sdc1", "demo"}; }

Network buildArchitecture(std::string_view name, uint64_t seed) {
  if (name != "sdc1" && name != "demo") {
    throw OtfError(Code::kInvalidArgument,
                   "no built-in architecture '" + std::string(name) + "' (there are: sdc1, demo)");
  }
  Network network = name == "sdc1" ? sdc1() : demo();
  randomiseWeights(network, seed);
  return network;
}

}  // namespace otf
