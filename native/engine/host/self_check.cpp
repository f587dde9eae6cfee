#include "engine/host/self_check.h"

#include <algorithm>
#include <cmath>

#include "engine/reference/reference_engine.h"
#include "error/error.h"
#include "model/architectures.h"

namespace otf::host {
namespace {

constexpr Extent kTile{13, 12, 1};
constexpr int kItems = 3;

/// One layer for each width of a tile of filters, the input's own kernel first.
Network smallNetwork() {
  struct Step {
    int size, filters, stride;
  };
  Network network;
  network.trained = {kTile, 1};
  Shape flow = network.trained;
  for (const Step& step : {Step{5, 16, 1}, {3, 32, 1}, {2, 64, 2}, {3, 96, 1}, {3, 128, 1}, {1, 21, 1}}) {
    ConvLayer conv;
    conv.filters = step.filters;
    conv.size = {step.size, step.size, 1};
    conv.stride = {step.stride, step.stride, 1};
    conv.padding = {step.size % 2 * (step.size / 2), step.size % 2 * (step.size / 2), 0};
    conv.trainedInput = flow;
    conv.activation.kind = ActivationKind::kRelu;
    network.layers.emplace_back(std::move(conv));
    flow = inferShapes(network, kTile).back().shape;
  }
  randomiseWeights(network, 11);
  return network;
}

/// Of the output's range, through six layers: some times what conformance networks of as many layers show.
double tolerance(ComputeType type) {
  if (type == ComputeType::kFp32cFp32a) return 1e-5;
  return type == ComputeType::kBf16cFp32a ? 4e-2 : 5e-3;
}

}  // namespace

void checkNumbers(const MakeEngine& make, ComputeType type) {
  const auto network = std::make_shared<Network>(smallNetwork());
  EngineOptions options;
  options.computeType = type;
  const auto engine = make(network, options);
  const auto plain = createReferenceEngine(network, options);
  std::vector<float> x(static_cast<size_t>(kItems * network->trained.values()));
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 7919 % 1000) / 1000.0F;
  std::vector<float> expected(static_cast<size_t>(kItems * plain->outputValues(kTile)));
  std::vector<float> got(expected.size(), NAN);
  plain->forward(kTile, kItems, x.data(), expected.data());
  engine->forward(kTile, kItems, x.data(), got.data());
  const auto [low, high] = std::minmax_element(expected.begin(), expected.end());
  const double range = static_cast<double>(*high) - *low;
  for (size_t i = 0; i < got.size(); ++i) {
    const double off = std::fabs(static_cast<double>(got[i]) - expected[i]) / range;
    if (off <= tolerance(engine->info().effective)) continue;
    throw OtfError(Code::kEngineUnavailable, engine->info().device + " gives wrong numbers in " +
                                                 std::string(computeTypeName(engine->info().effective)) +
                                                 ": " + std::to_string(got[i]) +
                                                 " where the plain engine gives " +
                                                 std::to_string(expected[i]) + "; use another engine");
  }
}

}  // namespace otf::host
