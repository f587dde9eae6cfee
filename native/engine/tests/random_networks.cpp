#include "engine/tests/random_networks.h"

#include "error/error.h"
#include "model/architectures.h"

namespace otf::test {
namespace {

Activation drawActivation(Draw& draw, bool allowSoftmax) {
  Activation a;
  const int kind = draw.between(0, allowSoftmax ? 9 : 8);
  if (kind < 6) {
    a.kind = ActivationKind::kRelu;
    // Knees low enough to be passed, leaks on both sides of what can be fused.
    if (draw.chance(50)) a.saturation = 0.25F * static_cast<float>(draw.between(1, 8));
    if (draw.chance(30)) a.leak = 0.5F * static_cast<float>(draw.between(-1, 3));
  } else if (kind < 8) {
    a.kind = ActivationKind::kLogistic;
    a.saturation = static_cast<float>(draw.between(1, 6));
    a.beta = 0.5F * static_cast<float>(draw.between(1, 4));
  } else if (kind == 9) {
    a.kind = ActivationKind::kSoftmax;
  }
  return a;
}

Triple axes(Draw& draw, int dimensions, int low, int high, int idle) {
  Triple t{idle, idle, idle};
  for (int k = 0; k < dimensions; ++k) t[static_cast<size_t>(k)] = draw.between(low, high);
  return t;
}

ConvLayer drawConv(Draw& draw, int dimensions, const Shape& in) {
  ConvLayer conv;
  conv.filters = draw.between(1, 20);
  conv.size = axes(draw, dimensions, 1, 4, 1);
  conv.stride = axes(draw, dimensions, 1, 2, 1);
  conv.padding = axes(draw, dimensions, 0, 2, 0);
  if (draw.chance(20)) conv.intPadding = axes(draw, dimensions, 0, 2, 0);
  conv.trainedInput = in;
  conv.dropout = draw.chance(25) ? 0.3F : 0.0F;
  conv.bias = draw.real();
  conv.activation = drawActivation(draw, true);
  return conv;
}

PoolLayer drawPool(Draw& draw, int dimensions) {
  PoolLayer pool;
  pool.kind = draw.chance(50) ? PoolKind::kMax : PoolKind::kAverage;
  pool.size = axes(draw, dimensions, 1, 3, 1);
  pool.stride = axes(draw, dimensions, 1, 3, 1);
  for (size_t k = 0; k < 3; ++k) pool.padding[k] = draw.between(0, pool.size[k] - 1);
  pool.global = draw.chance(10);
  pool.dropout = draw.chance(20) ? 0.2F : 0.0F;
  if (draw.chance(30)) pool.activation = drawActivation(draw, false);
  return pool;
}

GroupNormLayer drawNorm(Draw& draw, int channels) {
  GroupNormLayer norm;
  norm.groupSize = draw.between(1, channels + 2);
  const int groups = (channels + norm.groupSize - 1) / norm.groupSize;
  norm.setOff = draw.chance(30) ? draw.between(0, groups) : 0;
  for (int g = 0; g < groups; ++g) {
    norm.gamma.push_back(draw.real());
    norm.beta.push_back(draw.real());
  }
  return norm;
}

YoloHead drawYolo(Draw& draw) {
  YoloHead head;
  head.boxes = draw.between(1, 3);
  head.classes = draw.between(0, 3);
  head.parameters = draw.between(0, 3);
  head.fitDim = draw.between(0, 3);
  head.classSoftmax = draw.chance(50);
  for (int b = 0; b < head.boxes; ++b) head.priors.push_back({6.0F + draw.real(), 9.0F, 3.0F});
  for (SlopeLimits& row : head.rows) row = {0.5F + 0.4F * draw.real(), 1.5F, -1.2F};
  return head;
}

}  // namespace

Network drawNetwork(uint32_t seed, Draw& draw) {
  Network network;
  const int dimensions = 1 + static_cast<int>(seed % 3);
  const int side = dimensions == 3 ? 9 : 17;
  network.trained.extent = {draw.between(side, side + 6), dimensions > 1 ? draw.between(side, side + 6) : 1,
                            dimensions > 2 ? draw.between(4, 8) : 1};
  network.trained.c = draw.between(1, 4);
  const auto flow = [&] {
    return network.layers.empty() ? LayerShape{network.trained, false}
                                  : inferShapes(network, network.trained.extent).back();
  };
  const auto keepIfItFits = [&](Layer layer) {
    network.layers.push_back(std::move(layer));
    try {
      flow();
    } catch (const OtfError&) {
      network.layers.pop_back();
    }
  };
  keepIfItFits(drawConv(draw, dimensions, network.trained));
  for (int i = draw.between(1, 5); i > 0 && !network.layers.empty(); --i) {
    const Shape in = flow().shape;
    switch (draw.between(0, 5)) {
      case 0:
        keepIfItFits(drawPool(draw, dimensions));
        break;
      case 1:
        keepIfItFits(drawNorm(draw, in.c));
        break;
      case 2: {
        LrnLayer lrn;
        lrn.range = draw.between(1, 6);
        lrn.activation = drawActivation(draw, false);
        keepIfItFits(lrn);
        break;
      }
      default:
        keepIfItFits(drawConv(draw, dimensions, in));
    }
  }
  const Shape in = flow().shape;
  if (draw.chance(40)) {
    for (int i = draw.between(1, 2); i > 0; --i) {
      DenseLayer dense;
      dense.neurons = draw.between(2, 24);
      const LayerShape now = flow();
      dense.inputs = now.flat ? now.shape.c : now.shape.values() + 1;
      dense.dropout = draw.chance(40) ? 0.25F : 0.0F;
      dense.activation = drawActivation(draw, true);
      network.layers.emplace_back(dense);
    }
    if (draw.chance(30)) {
      // Back to a map: the dense values folded C, D, H, W.
      ConvLayer conv = drawConv(draw, dimensions, {{1, 1, 1}, flow().shape.c - 1});
      conv.size = conv.stride = {1, 1, 1};
      network.layers.emplace_back(conv);
    }
  } else if (draw.chance(60)) {
    ConvLayer last = drawConv(draw, dimensions, in);
    last.size = last.stride = {1, 1, 1};
    last.intPadding = {0, 0, 0};
    last.activation = {};
    last.activation.kind = ActivationKind::kYolo;
    last.yolo = drawYolo(draw);
    last.filters = last.yolo.planes();
    keepIfItFits(last);
  }
  randomiseWeights(network, seed);
  return network;
}

std::string text(const Network& network) {
  std::string all;
  for (const Layer& layer : network.layers) all += "; " + describeLayer(layer);
  return all;
}

}  // namespace otf::test
