#include "addon/api.h"
#include "addon/async.h"
#include "addon/detect_request.h"
#include "addon/detect_values.h"
#include "addon/object.h"
#include "detect/config_check.h"
#include "error/error.h"

namespace otf::addon {
namespace {

struct Outcome {
  DetectionOutcome found;
  EngineInfo engine;
  int64_t engineBytes = 0, peakRssBytes = 0;
};

Outcome run(const DetectionRequest& request, Progress& progress) {
  const auto network = std::make_shared<Network>(readNetwork(request.weights));
  checkDetectorNetwork(request.detector, *network);
  Outcome outcome;
  std::optional<PrimaryBeam> beam;
  if (request.primaryBeam) beam = PrimaryBeam::open(request.primaryBeam->path, request.primaryBeam->select);
  DetectionTask task(FitsImage::open(request.image.path, request.image.select), request.region,
                     request.detector, *network->yolo(), request.pixelUnit);
  outcome.found = describeDetection(task, request.image.select.plane);
  const auto engine = createEngine(request.engine.name, network, request.engine.options);
  outcome.engine = engine->info();
  PipelineOptions options;
  options.batch = request.engine.batch;
  options.threads = request.engine.options.threads;
  options.beam = beam ? &*beam : nullptr;
  options.progress = [&progress](int64_t done, int64_t total) { progress(done, total); };
  outcome.found.detection = runDetection(task, *engine, options);
  outcome.found.detection.warnings.insert(outcome.found.detection.warnings.begin(), network->warnings.begin(),
                                          network->warnings.end());
  outcome.engineBytes = engine->memoryBytes();
  outcome.peakRssBytes = otf::addon::peakRssBytes();
  return outcome;
}

Napi::Value toJs(Napi::Env env, const Outcome& outcome) {
  Napi::Object out = detectionValues(env, outcome.found);
  out.Set("engine", engineInfo(env, outcome.engine));
  Napi::Object memory = Napi::Object::New(env);
  memory.Set("engineBytes", static_cast<double>(outcome.engineBytes));
  memory.Set("peakRssBytes", static_cast<double>(outcome.peakRssBytes));
  out.Set("memory", memory);
  return out;
}

}  // namespace

Napi::Value detect(const Napi::CallbackInfo& info) {
  const auto request = std::make_shared<DetectionRequest>(readDetectionRequest(Fields(info[0], "request")));
  const auto progress = std::make_shared<Progress>(info.Env(), info[1]);
  return runAsync<Outcome>(info.Env(), [request, progress] { return run(*request, *progress); }, toJs);
}

}  // namespace otf::addon
