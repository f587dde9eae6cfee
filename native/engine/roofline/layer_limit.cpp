#include "engine/roofline/layer_limit.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace otf::roofline {
namespace {

int64_t weightsOf(const Layer& layer) {
  if (const auto* conv = std::get_if<ConvLayer>(&layer); conv != nullptr)
    return int64_t{conv->filters} * conv->weightsPerFilter();
  if (const auto* dense = std::get_if<DenseLayer>(&layer); dense != nullptr)
    return int64_t{dense->inputs} * (dense->neurons + 1);
  return 0;
}

}  // namespace

const char* boundName(Bound bound) {
  switch (bound) {
    case Bound::kArithmetic:
      return "arithmetic";
    case Bound::kCache:
      return "L2";
    case Bound::kMemory:
      return "memory";
  }
  return "";
}

std::vector<LayerWork> layerWork(const Network& network, Extent extent, int valueBytes) {
  const std::vector<double> flops = layerFlops(network, extent);
  const std::vector<LayerShape> shapes = inferShapes(network, extent);
  std::vector<LayerWork> work;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const bool first = i == 0;
    const bool last = i + 1 == shapes.size();
    const int64_t in = first ? Shape{extent, network.trained.c}.values() : shapes[i - 1].shape.values();
    const int64_t out = shapes[i].shape.values();
    constexpr int64_t kFloat = sizeof(float);
    work.push_back({flops[i], static_cast<double>(in * (first ? kFloat : valueBytes)),
                    static_cast<double>(weightsOf(network.layers[i]) * valueBytes),
                    static_cast<double>(out * (last ? kFloat : valueBytes))});
  }
  return work;
}

LayerLimit limitOf(const LayerWork& work, int batch, const Rates& rates, int64_t cache) {
  const bool fits = work.bytes() <= static_cast<double>(cache);
  const double near =
      fits ? work.bytes() : (work.nearInput ? work.input : 0) + (work.nearOutput ? work.output : 0);
  const LayerLimit limits[] = {{Bound::kArithmetic, batch * work.flops / rates.flops},
                               {Bound::kCache, batch * near / rates.cache},
                               {Bound::kMemory, batch * (work.bytes() - near) / rates.memory}};
  return *std::max_element(std::begin(limits), std::end(limits),
                           [](const LayerLimit& a, const LayerLimit& b) { return a.seconds < b.seconds; });
}

}  // namespace otf::roofline
