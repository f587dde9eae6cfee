#include <algorithm>
#include <numeric>

#include "addon/api.h"
#include "addon/async.h"
#include "addon/bench_network.h"
#include "addon/object.h"
#include "engine/onednn/cpu.h"
#include "engine/onednn/network_bench.h"
#include "engine/registry/registry.h"
#include "engine/roofline/layer_limit.h"
#include "error/error.h"
#include "model/architectures.h"
#include "tensor/buffer.h"
#include "timing/median.h"
#include "timing/stopwatch.h"

namespace otf::addon {
namespace {

constexpr int kBenchLeading = 4;  // of an INT8 calibration: what the demonstration network needs

struct Outcome {
  EngineInfo engine;
  std::vector<double> forwardSeconds, bareSeconds;
  std::vector<double>
      besideSeconds;  // of INT8: the same network in BF16, or FP32 where there is none, in turns
  double flopsPerItem = 0;
  const char* unit = "";
  roofline::Rates rates;
  std::vector<LayerTiming> layers;
  std::vector<double> bareLayers;
  std::vector<double> bytes;  // of each layer, for the whole batch
  std::vector<roofline::LayerLimit> limits;
};

/// Median of each column.
std::vector<double> medians(const std::vector<std::vector<double>>& rounds) {
  std::vector<double> result;
  for (size_t i = 0; i < rounds.front().size(); ++i) {
    std::vector<double> column;
    for (const auto& round : rounds) column.push_back(round[i]);
    result.push_back(median(std::move(column)));
  }
  return result;
}

void addLimits(const Network& network, Extent extent, int batch, Outcome& outcome) {
  // An engine that cannot tell its layers apart gives one time for all.
  if (outcome.layers.size() != network.layers.size()) return;
  const ComputeType type = outcome.engine.effective;
  const bool isWhole = type == ComputeType::kFp32cFp32a || type == ComputeType::kTf32cFp32a;
  const int valueBytes = isWhole ? 4 : (type == ComputeType::kInt8cInt32a ? 1 : 2);
  std::vector<roofline::LayerWork> all = roofline::layerWork(network, extent, valueBytes);
  for (size_t i = 0; i < all.size(); ++i) {
    all[i].flops *= outcome.layers[i].arithmetic;
    all[i].nearInput = outcome.layers[i].follows;
    all[i].nearOutput = i + 1 < all.size() && outcome.layers[i + 1].follows;
    outcome.bytes.push_back(batch * all[i].bytes());
    outcome.limits.push_back(roofline::limitOf(all[i], batch, outcome.rates, roofline::cacheBytes()));
  }
}

/// From the benchmark's own input: there are no others that fit all networks.
std::shared_ptr<const Calibration> calibrationFor(const BenchRequest& request,
                                                  const std::shared_ptr<const Network>& network,
                                                  Extent extent, const float* input) {
  EngineOptions options = request.engine.options;
  options.computeType = ComputeType::kFp32cFp32a;
  options.ranges = std::make_shared<RangeNotes>();
  const auto engine = createEngine(request.engine.name, network, options);
  std::vector<float> output(static_cast<size_t>(engine->outputValues(extent)));
  engine->forward(extent, 1, input, output.data());
  auto calibration = std::make_shared<Calibration>();
  calibration->leading = kBenchLeading;
  calibration->layers = options.ranges->ranges();
  calibration->layers.resize(network->layers.size());
  return calibration;
}

Outcome run(const BenchRequest& request, Progress& progress) {
  const auto network = loadBenchNetwork(request.model);
  const Extent extent{request.width, request.height, network->trained.extent.d};
  const int batch = request.engine.batch;
  const int threads = request.engine.options.threads;
  const ComputeType type = request.engine.options.computeType;
  const int64_t in = Shape{extent, network->trained.c}.values() * batch;
  const Buffer input(static_cast<size_t>(in) * sizeof(float));
  // Values as normalised tiles have them, different in every pixel.
  for (int64_t i = 0; i < in; ++i) input.floats()[i] = static_cast<float>((i * 7919) % 1000) / 1000.0F;
  EngineOptions options = request.engine.options;
  std::unique_ptr<Engine> besideInt8;
  if (request.engine.name == "onednn" && onednn::effectiveType(type) == ComputeType::kInt8cInt32a) {
    options.calibration = calibrationFor(request, network, extent, input.floats());
    EngineOptions wide = options;
    wide.computeType = ComputeType::kBf16cFp32a;
    besideInt8 = createEngine(request.engine.name, network, wide);
  }
  const auto engine = createEngine(request.engine.name, network, options);
  const Buffer output(static_cast<size_t>(engine->outputValues(extent) * batch) * sizeof(float));
  Outcome outcome;
  outcome.engine = engine->info();
  for (const double flops : layerFlops(*network, extent)) outcome.flopsPerItem += flops;
  const auto bare = createBareLayers(network, extent, batch, type, threads);
  const roofline::Unit unit = onednn::unitFor(onednn::effectiveType(type));
  outcome.unit = roofline::unitName(unit);
  roofline::RateMeter meter(unit, threads);
  std::vector<std::vector<double>> bareRounds;
  std::vector<std::vector<double>> layerRounds;
  const auto timed = [&](Engine& of) {
    const Stopwatch watch;
    of.forward(extent, batch, input.floats(), output.floats());
    return watch.seconds();
  };
  const auto forward = [&] { return timed(*engine); };
  // Once each, untimed: code generation, page faults, clock.
  forward();
  if (besideInt8) timed(*besideInt8);
  bare->run();
  engine->profile(extent, batch, input.floats(), output.floats());
  // In turns, so that whatever else the machine does falls on all of them; medians, and the best of the rates.
  for (int r = 0; r < request.repeats; ++r) {
    meter.measure();
    const auto ours = [&] { outcome.forwardSeconds.push_back(forward()); };
    const auto theirs = [&] { bareRounds.push_back(bare->run()); };
    if (r % 2 == 0) ours();
    if (besideInt8) outcome.besideSeconds.push_back(timed(*besideInt8));
    if (r % 2 == 1) ours();
    theirs();
    outcome.bareSeconds.push_back(std::accumulate(bareRounds.back().begin(), bareRounds.back().end(), 0.0));
    outcome.layers = engine->profile(extent, batch, input.floats(), output.floats());
    layerRounds.emplace_back();
    for (const LayerTiming& timing : outcome.layers) layerRounds.back().push_back(timing.seconds);
    progress(r + 1, request.repeats + 1);
  }
  outcome.bareLayers = medians(bareRounds);
  const std::vector<double> layerSeconds = medians(layerRounds);
  for (size_t i = 0; i < outcome.layers.size(); ++i) outcome.layers[i].seconds = layerSeconds[i];
  meter.measure();
  outcome.rates = meter.best();
  addLimits(*network, extent, batch, outcome);
  progress(request.repeats + 1, request.repeats + 1);
  return outcome;
}

Napi::Value toJs(Napi::Env env, const Outcome& outcome) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("engine", engineInfo(env, outcome.engine));
  out.Set("forwardSeconds", numbers(env, outcome.forwardSeconds));
  out.Set("bareSeconds", numbers(env, outcome.bareSeconds));
  if (!outcome.besideSeconds.empty()) out.Set("besideSeconds", numbers(env, outcome.besideSeconds));
  out.Set("flopsPerItem", outcome.flopsPerItem);
  out.Set("unit", outcome.unit);
  out.Set("peakFlops", outcome.rates.flops);
  out.Set("cacheBytesPerSecond", outcome.rates.cache);
  out.Set("memoryBytesPerSecond", outcome.rates.memory);
  Napi::Array layers = Napi::Array::New(env, outcome.layers.size());
  for (uint32_t i = 0; i < outcome.layers.size(); ++i) {
    Napi::Object layer = Napi::Object::New(env);
    layer.Set("layer", outcome.layers[i].layer);
    layer.Set("kernel", outcome.layers[i].kernel);
    layer.Set("seconds", outcome.layers[i].seconds);
    layer.Set("flops", outcome.layers[i].flops);
    layer.Set("arithmetic", outcome.layers[i].arithmetic);
    layer.Set("follows", outcome.layers[i].follows);
    layer.Set("bareSeconds", i < outcome.bareLayers.size() ? outcome.bareLayers[i] : 0.0);
    if (i < outcome.limits.size()) {
      layer.Set("bytes", outcome.bytes[i]);
      layer.Set("limitSeconds", outcome.limits[i].seconds);
      layer.Set("bound", roofline::boundName(outcome.limits[i].bound));
    }
    layers.Set(i, layer);
  }
  out.Set("layers", layers);
  return out;
}

}  // namespace

Napi::Value benchEngine(const Napi::CallbackInfo& info) {
  const BenchRequest request = readBenchRequest(Fields(info[0], "request"));
  const auto progress = std::make_shared<Progress>(info.Env(), info[1]);
  return runAsync<Outcome>(info.Env(), [request, progress] { return run(request, *progress); }, toJs);
}

BenchRequest readBenchRequest(const Fields& fields) {
  BenchRequest request;
  request.model = fields.text("model");
  request.width = fields.count("width");
  request.height = fields.count("height");
  request.repeats = fields.count("repeats");
  request.engine = readEngineChoice(fields.object("engine"));
  request.engine.options.inputBias = static_cast<float>(fields.number("inputBias"));
  if (request.repeats < 1 || request.repeats > 1000) {
    throw OtfError(Code::kInvalidArgument, "repeats must be 1..1000");
  }
  return request;
}

std::shared_ptr<const Network> loadBenchNetwork(const std::string& model) {
  const auto names = architectureNames();
  const bool builtIn = std::find(names.begin(), names.end(), model) != names.end();
  return std::make_shared<Network>(builtIn ? buildArchitecture(model, 1) : readNetwork(model));
}

}  // namespace otf::addon
