#include <sys/resource.h>

#include "addon/api.h"
#include "addon/async.h"
#include "addon/detect_request.h"
#include "addon/detect_values.h"
#include "detect/config_check.h"
#include "engine/registry/registry.h"
#include "error/error.h"
#include "task/pipeline.h"
#include "tensor/buffer.h"
#include "timing/stopwatch.h"

namespace otf::addon {
namespace {

struct Round {
  StageSeconds seconds;
  double infer = 0, wall = 0;
  double alone = 0;
};

struct Outcome {
  EngineInfo engine;
  int64_t tiles = 0, pixels = 0, sources = 0;
  std::vector<Round> rounds;
  int64_t engineBytes = 0, peakRss = 0;
};

/// The forward passes of a detection of `tiles` tiles, on tiles that are already there.
double inferAlone(Engine& engine, const DetectorConfig& config, int64_t tiles, int batch) {
  const Extent extent{config.tilePx, config.tilePx, 1};
  const auto values = static_cast<size_t>(Shape{extent, 1}.values() * batch);
  const Buffer input(values * sizeof(float));
  for (size_t i = 0; i < values; ++i) input.floats()[i] = static_cast<float>((i * 7919) % 1000) / 1000.0F;
  const Buffer output(static_cast<size_t>(engine.outputValues(extent) * batch) * sizeof(float));
  const Stopwatch watch;
  for (const int count : planBatches(tiles, batch))
    engine.forward(extent, count, input.floats(), output.floats());
  return watch.seconds();
}

/// Largest resident size of this process so far.
int64_t peakRssBytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

Outcome run(const DetectionRequest& request, int rounds) {
  const auto network = std::make_shared<Network>(readNetwork(request.weights));
  checkDetectorNetwork(request.detector, *network);
  const auto engine = createEngine(request.engine.name, network, request.engine.options);
  PipelineOptions options;
  options.batch = request.engine.batch;
  options.threads = request.engine.options.threads;
  Outcome outcome;
  outcome.engine = engine->info();
  // The first detection pays for code generation: it gives the memory, not the times.
  for (int round = -1; round < rounds; ++round) {
    DetectionTask task(FitsImage::open(request.image.path, request.image.select), request.region,
                       request.detector, *network->yolo(), request.pixelUnit);
    outcome.tiles = task.items();
    Round measured;
    const Stopwatch watch;
    if (request.measure) task.setMeasure(*request.measure);
    measured.infer = runTileTask(task, *engine, options);
    task.finish(threadCount(options.threads));
    measured.wall = watch.seconds();
    const DetectionResult& result = task.result();
    measured.seconds = result.seconds;
    outcome.pixels = result.pixels.pixels;
    outcome.sources = std::ssize(result.sources);
    if (round < 0) {
      outcome.engineBytes = engine->memoryBytes();
      outcome.peakRss = peakRssBytes();
    } else {
      measured.alone = inferAlone(*engine, request.detector, outcome.tiles, options.batch);
      outcome.rounds.push_back(measured);
    }
  }
  return outcome;
}

Napi::Value toJs(Napi::Env env, const Outcome& outcome) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("engine", engineInfo(env, outcome.engine));
  out.Set("tiles", static_cast<double>(outcome.tiles));
  out.Set("pixels", static_cast<double>(outcome.pixels));
  out.Set("sources", static_cast<double>(outcome.sources));
  Napi::Array rounds = Napi::Array::New(env, outcome.rounds.size());
  for (uint32_t i = 0; i < outcome.rounds.size(); ++i) {
    Napi::Object round = Napi::Object::New(env);
    Napi::Object times = stageTimes(env, outcome.rounds[i].seconds);
    times.Set("infer", outcome.rounds[i].infer);
    times.Set("wall", outcome.rounds[i].wall);
    round.Set("times", times);
    round.Set("aloneSeconds", outcome.rounds[i].alone);
    rounds.Set(i, round);
  }
  out.Set("rounds", rounds);
  Napi::Object memory = Napi::Object::New(env);
  memory.Set("engineBytes", static_cast<double>(outcome.engineBytes));
  memory.Set("peakRssBytes", static_cast<double>(outcome.peakRss));
  out.Set("memory", memory);
  return out;
}

}  // namespace

Napi::Value benchDetect(const Napi::CallbackInfo& info) {
  const auto request = std::make_shared<DetectionRequest>(readDetectionRequest(Fields(info[0], "request")));
  const int rounds = info[1].As<Napi::Number>().Int32Value();
  if (rounds < 1 || rounds > 100) throw Napi::RangeError::New(info.Env(), "rounds must be 1..100");
  return runAsync<Outcome>(info.Env(), [request, rounds] { return run(*request, rounds); }, toJs);
}

}  // namespace otf::addon
