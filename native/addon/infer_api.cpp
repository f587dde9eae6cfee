
#include "addon/api.h"
#include "addon/async.h"
#include "addon/object.h"
#include "engine/registry/registry.h"
#include "error/error.h"
#include "tensor/buffer.h"
#include "tensor/npy.h"
#include "timing/stopwatch.h"

namespace otf::addon {
namespace {

struct Request {
  std::string model, input, output;
  EngineChoice engine;
  int monteCarlo = 0;
  uint64_t seed = 0;
};

struct Outcome {
  int64_t items = 0, valuesPerItem = 0;
  EngineInfo engine;
  double seconds = 0;
};

Extent extentOf(const NpyArray& input, const Network& network, const std::string& path) {
  const auto& shape = input.shape();
  if (shape.size() != 5)
    throw OtfError(Code::kNpyMalformed,
                   path + " has " + std::to_string(shape.size()) + " axes, (N,C,D,H,W) is needed");
  if (shape[1] != network.trained.c) {
    throw OtfError(Code::kShapeMismatch, path + " has " + std::to_string(shape[1]) +
                                             " channels, the network takes " +
                                             std::to_string(network.trained.c));
  }
  for (const int64_t side : shape) {
    if (side < 1 || side > (int64_t{1} << 24))
      throw OtfError(Code::kNpyMalformed, path + " has an axis of length " + std::to_string(side));
  }
  return {static_cast<int>(shape[4]), static_cast<int>(shape[3]), static_cast<int>(shape[2])};
}

Outcome run(const Request& request, Progress& progress) {
  const auto network = std::make_shared<Network>(readNetwork(request.model));
  const NpyArray input(request.input);
  const Extent extent = extentOf(input, *network, request.input);
  const auto engine = createEngine(request.engine.name, network, request.engine.options);
  Outcome outcome{input.shape()[0], engine->outputValues(extent), engine->info(), 0};
  const int64_t in = input.count() / outcome.items;
  const bool repeated = request.monteCarlo > 0;
  NpyWriter writer(request.output, repeated ? std::vector<int64_t>{outcome.items, 2, outcome.valuesPerItem}
                                            : std::vector<int64_t>{outcome.items, outcome.valuesPerItem});
  const int64_t batch = std::min<int64_t>(request.engine.batch, outcome.items);
  const auto bytes = static_cast<size_t>(batch * outcome.valuesPerItem) * sizeof(float);
  const Buffer values(bytes);
  const Buffer deviations(repeated ? bytes : 0);
  const Stopwatch watch;
  for (int64_t first = 0; first < outcome.items; first += batch) {
    const auto count = static_cast<int>(std::min(batch, outcome.items - first));
    const float* from = input.data() + first * in;
    if (repeated) {
      engine->forwardMonteCarlo(extent, count, request.monteCarlo,
                                request.seed + static_cast<uint64_t>(first), from, values.floats(),
                                deviations.floats());
      for (int n = 0; n < count; ++n) {
        writer.append(values.floats() + n * outcome.valuesPerItem, outcome.valuesPerItem);
        writer.append(deviations.floats() + n * outcome.valuesPerItem, outcome.valuesPerItem);
      }
    } else {
      engine->forward(extent, count, from, values.floats());
      writer.append(values.floats(), count * outcome.valuesPerItem);
    }
    progress(first + count, outcome.items);
  }
  outcome.seconds = watch.seconds();
  writer.commit();
  return outcome;
}

}  // namespace

Napi::Value infer(const Napi::CallbackInfo& info) {
  const Fields fields(info[0], "request");
  Request request;
  request.model = fields.text("model");
  request.input = fields.text("input");
  request.output = fields.text("output");
  request.engine = readEngineChoice(fields.object("engine"));
  request.engine.options.inputBias = static_cast<float>(fields.number("inputBias"));
  request.engine.options.rawOutput = fields.flag("rawOutput");
  request.monteCarlo = fields.count("monteCarlo");
  request.seed = static_cast<uint64_t>(fields.integer("seed"));
  const auto progress = std::make_shared<Progress>(info.Env(), info[1]);
  return runAsync<Outcome>(
      info.Env(), [request, progress] { return run(request, *progress); },
      [](Napi::Env env, const Outcome& outcome) {
        Napi::Object out = Napi::Object::New(env);
        out.Set("items", static_cast<double>(outcome.items));
        out.Set("valuesPerItem", static_cast<double>(outcome.valuesPerItem));
        out.Set("engine", engineInfo(env, outcome.engine));
        out.Set("seconds", outcome.seconds);
        return out;
      });
}

}  // namespace otf::addon
