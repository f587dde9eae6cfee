// Detections: their models and tasks are opened here; what follows is the same for every kind (task_api.cpp).
#include "addon/api.h"
#include "addon/async.h"
#include "addon/detect_request.h"
#include "addon/detect_values.h"
#include "addon/object.h"
#include "addon/task_table.h"
#include "detect/config_check.h"
#include "error/error.h"

namespace otf::addon {
namespace {

/// What tasks need of a network: its head, not its weights.
struct DetectorModel {
  DetectorConfig config;
  YoloHead head;
  std::vector<std::string> warnings;
};

Handles<DetectorModel>& modelTable() {
  static Handles<DetectorModel> table("model");
  return table;
}

/// The model's, but for the normalisation the task may have of its own.
DetectorConfig taskConfig(const DetectorModel& model, const Fields& fields) {
  DetectorConfig config = model.config;
  if (!fields.has("normalise")) return config;
  config.normalise = readNormalisation(fields);
  checkDetectorConfig(config, model.head);
  return config;
}

}  // namespace

Napi::Value openDetectionModel(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Fields fields(info[0], "request");
  const Network network = readNetwork(fields.text("weights"));
  auto model = std::make_shared<DetectorModel>();
  model->config = readDetector(fields.object("detector"));
  checkDetectorNetwork(model->config, network);
  model->head = *network.yolo();
  checkDetectorConfig(model->config, model->head);
  model->warnings = network.warnings;
  const Extent tile{model->config.tilePx, model->config.tilePx, 1};
  Napi::Object out = Napi::Object::New(env);
  out.Set("valuesIn", static_cast<double>(Shape{tile, network.trained.c}.values()));
  out.Set("valuesOut", static_cast<double>(inferShapes(network, tile).back().shape.values()));
  out.Set("model", static_cast<double>(modelTable().add(std::move(model))));
  return out;
}

Napi::Value closeDetectionModel(const Napi::CallbackInfo& info) {
  modelTable().close(info[0].ToNumber().Int64Value());
  return info.Env().Undefined();
}

Napi::Value openDetection(const Napi::CallbackInfo& info) {
  const Fields fields(info[0], "request");
  const ImageChoice choice = readImageChoice(fields.object("image"));
  const auto model = modelTable().get(fields.integer("model"));
  const std::string pixelUnit = fields.has("pixelUnit") ? fields.text("pixelUnit") : "";
  const auto detection =
      std::make_shared<DetectionTask>(FitsImage::open(choice.path, choice.select), readRegion(fields),
                                      taskConfig(*model, fields), model->head, pixelUnit);
  if (fields.has("primaryBeam")) {
    const ImageChoice beam = readImageChoice(fields.object("primaryBeam"));
    detection->setPrimaryBeam(PrimaryBeam::open(beam.path, beam.select));
  }
  if (fields.has("measure")) detection->setMeasure(readMeasure(fields.object("measure")));
  auto task = std::make_shared<OpenTask>();
  task->tiles = detection;
  task->found = [detection, model, plane = choice.select.plane](Napi::Env env) -> Napi::Value {
    DetectionOutcome outcome = detectionOutcome(*detection, plane);
    std::vector<std::string>& warnings = outcome.detection.warnings;
    warnings.insert(warnings.begin(), model->warnings.begin(), model->warnings.end());
    return detectionValues(env, outcome);
  };
  if (fields.has("rawOutput")) task->raw.emplace(fields.text("rawOutput"));
  return openedTask(info.Env(), std::move(task));
}

Napi::Value writeNoise(const Napi::CallbackInfo& info) {
  const auto task = taskTable().get(info[0].ToNumber().Int64Value());
  const auto* detection = dynamic_cast<const DetectionTask*>(task->tiles.get());
  if (!detection) throw OtfError(Code::kInternal, "a noise map was asked of a task that is no detection");
  const Fields fields(info[1], "request");
  const std::string path = fields.text("path");
  const NoiseKind kind = fields.text("kind") == "rms" ? NoiseKind::kRms : NoiseKind::kBackground;
  return runAsync(
      info.Env(), [task, detection, path, kind] { detection->writeNoise(path, kind); },
      [](Napi::Env env) { return env.Undefined(); });
}

}  // namespace otf::addon
