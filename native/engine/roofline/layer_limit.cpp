#include "engine/roofline/layer_limit.h"

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
    const int64_t bytes = in * (first ? kFloat : valueBytes) + weightsOf(network.layers[i]) * valueBytes +
                          out * (last ? kFloat : valueBytes);
    work.push_back({flops[i], static_cast<double>(bytes)});
  }
  return work;
}

LayerLimit limitOf(const LayerWork& work, int batch, const Rates& rates, int64_t cache) {
  const bool fits = work.bytes <= static_cast<double>(cache);
  const double computing = work.flops / rates.flops;
  const double moving = work.bytes / (fits ? rates.cache : rates.memory);
  if (computing >= moving) return {Bound::kArithmetic, batch * computing};
  return {fits ? Bound::kCache : Bound::kMemory, batch * moving};
}

}  // namespace otf::roofline
