// Detections: their models and tasks are opened here; what follows is the same for every kind (task_api.cpp).
#include <map>
#include <memory>
#include <string>

#include "addon/api.h"
#include "addon/async.h"
#include "addon/detect_request.h"
#include "addon/detect_values.h"
#include "addon/mock_values.h"
#include "addon/object.h"
#include "addon/places_values.h"
#include "addon/quality_values.h"
#include "addon/task_table.h"
#include "coverage/area.h"
#include "coverage/moc.h"
#include "detect/config_check.h"
#include "detect/quality/quality_task.h"
#include "engine/draws/drawing_engine.h"
#include "error/error.h"
#include "task/pipeline.h"

namespace otf::addon {
namespace {

/// What tasks need of a network: its head, not its weights.
struct DetectorModel {
  DetectorConfig config;
  YoloHead head;
  bool hasDropout = false;
  std::vector<std::string> warnings;
};

Handles<DetectorModel>& modelTable() {
  static Handles<DetectorModel> table("model");
  return table;
}

/// The model's, but for the normalisation and the thresholds the task may have of its own.
DetectorConfig taskConfig(const DetectorModel& model, const Fields& fields) {
  DetectorConfig config = model.config;
  if (fields.has("normalise")) config.normalise = readNormalisation(fields);
  if (fields.has("objectnessThreshold")) config.objectnessThreshold = fields.floats("objectnessThreshold");
  checkDetectorConfig(config, model.head);
  return config;
}

/// Whether draws are asked for. Throws kModelUnsupported when all would be the same.
bool isDrawn(const DetectorModel& model, const Fields& fields) {
  if (!fields.has("drawn") || !fields.flag("drawn")) return false;
  if (model.hasDropout) return true;
  throw OtfError(
      Code::kModelUnsupported,
      "the network has no layer with dropout: Monte Carlo draws of it would not differ; leave them out");
}

/// null = none.
std::shared_ptr<const coverage::Area> maskOf(const Fields& fields) {
  if (!fields.has("mask")) return nullptr;
  const ImageChoice file = readImageChoice(fields.object("mask"));
  return std::make_shared<const coverage::Area>(
      coverage::readArea(file.path, file.select.label.empty() ? file.path : file.select.label));
}

void restrict(DetectionTask& task, const std::shared_ptr<const coverage::Area>& area) {
  task.setMask(area);
  if (!task.searched().tiles().empty()) return;
  throw OtfError(Code::kRoiOutside,
                 "the mask " + area->label + " is outside the searched part of " + task.image().label);
}

/// The detection, and the same of parts of its image.
std::shared_ptr<quality::QualityTask> withQuality(const std::shared_ptr<DetectionTask>& detection,
                                                  const DetectorModel& model, const Fields& fields,
                                                  const std::shared_ptr<const coverage::Area>& area) {
  const ImageChoice choice = readImageChoice(fields.object("image"));
  const std::string pixelUnit = fields.has("pixelUnit") ? fields.text("pixelUnit") : "";
  MeasureRequest measure = readMeasure(fields.object("measure"));
  measure.background = measure.rms = std::nullopt;  // they come with the detection's noise
  const auto open = [&](const Region& part) {
    auto task = std::make_unique<DetectionTask>(FitsImage::open(choice.path, choice.select), part,
                                                taskConfig(model, fields), model.head, pixelUnit);
    task->setMeasure(measure);
    if (area) task->setMask(area);
    if (isDrawn(model, fields)) task->setDrawn();
    return task;
  };
  const Fields asked = fields.object("quality");
  quality::QualityRequest request{asked.integer("tiles"), static_cast<uint64_t>(asked.integer("seed")), {}};
  if (asked.has("mocks")) {
    request.kinds = readMockKinds(readImageChoice(asked.object("mocks")),
                                  measuredUnit(detection->header(), detection->config()));
  }
  return std::make_shared<quality::QualityTask>(detection, open, request);
}

}  // namespace

Napi::Value openDetectionModel(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Fields fields(info[0], "request");
  const Network network = readNetwork(fields.text("weights"), fields.text("sha256"));
  auto model = std::make_shared<DetectorModel>();
  model->config = readDetector(fields.object("detector"));
  checkDetectorNetwork(model->config, network);
  model->head = *network.yolo();
  checkDetectorConfig(model->config, model->head);
  model->hasDropout = hasDropout(network);
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
    detection->setPrimaryBeam(
        PrimaryBeam::of(FitsImage::openBeside(beam.path, beam.select, detection->image())));
  }
  if (fields.has("measure")) detection->setMeasure(readMeasure(fields.object("measure")));
  const auto area = maskOf(fields);
  if (area) restrict(*detection, area);
  if (fields.has("footprint") && fields.flag("footprint")) detection->setFootprint();
  auto task = std::make_shared<OpenTask>();
  if (isDrawn(*model, fields)) {
    detection->setDrawn();
    task->outputParts = kDrawnParts;
  }
  task->tiles = detection;
  std::shared_ptr<quality::QualityTask> quality;
  if (fields.has("quality")) task->tiles = quality = withQuality(detection, *model, fields, area);
  task->found = [detection, quality, model, plane = choice.select.plane](Napi::Env env) -> Napi::Value {
    DetectionOutcome outcome = detectionOutcome(*detection, plane);
    std::vector<std::string>& warnings = outcome.detection.warnings;
    warnings.insert(warnings.begin(), model->warnings.begin(), model->warnings.end());
    Napi::Object out = detectionValues(env, outcome);
    if (quality) out.Set("quality", qualityValues(env, quality->result()));
    return out;
  };
  if (fields.has("rawOutput")) task->raw.emplace(fields.text("rawOutput"));
  return openedTask(info.Env(), std::move(task));
}

namespace {

/// A detection and the table's entry that keeps it.
struct FinishedDetection {
  std::shared_ptr<OpenTask> entry;
  DetectionTask* task;
};

FinishedDetection detectionOf(const Napi::Value& handle) {
  const auto entry = taskTable().get(handle.ToNumber().Int64Value());
  auto* detection = dynamic_cast<DetectionTask*>(entry->tiles.get());
  if (auto* quality = dynamic_cast<quality::QualityTask*>(entry->tiles.get()))
    detection = &quality->detection();
  if (!detection) throw OtfError(Code::kInternal, "a detection's result was asked of a task that is none");
  return {entry, detection};
}

MapKind mapKindOf(const std::string& name) {
  static const std::map<std::string, MapKind> kKinds{{"background", MapKind::kBackground},
                                                     {"rms", MapKind::kRms},
                                                     {"model", MapKind::kModel},
                                                     {"residual", MapKind::kResidual}};
  const auto found = kKinds.find(name);
  if (found == kKinds.end()) throw OtfError(Code::kInvalidArgument, "no map '" + name + "'");
  return found->second;
}

}  // namespace

Napi::Value writeMap(const Napi::CallbackInfo& info) {
  const FinishedDetection detection = detectionOf(info[0]);
  const Fields fields(info[1], "request");
  const std::string path = fields.text("path");
  const MapKind kind = mapKindOf(fields.text("kind"));
  return runAsync(
      info.Env(), [detection, path, kind] { detection.task->writeMap(path, kind); },
      [](Napi::Env env) { return env.Undefined(); });
}

Napi::Value writeFootprint(const Napi::CallbackInfo& info) {
  const FinishedDetection detection = detectionOf(info[0]);
  const Fields fields(info[1], "request");
  const std::string path = fields.text("path"), format = fields.text("format");
  if (format != "fits" && format != "ascii" && format != "json")
    throw OtfError(Code::kInvalidArgument, "no format of a MOC '" + format + "'");
  return runAsync<std::string>(
      info.Env(),
      [detection, path, format] {
        const coverage::Moc moc = detection.task->footprint();
        if (format == "ascii") return coverage::mocAscii(moc);
        if (format == "json") return coverage::mocJson(moc);
        coverage::writeMocFits(moc, path);
        return std::string();
      },
      [](Napi::Env env, const std::string& text) { return Napi::String::New(env, text); });
}

Napi::Value measureTaskPlaces(const Napi::CallbackInfo& info) {
  const FinishedDetection detection = detectionOf(info[0]);
  const Fields fields(info[1], "request");
  const int threads = threadCount(fields.count("threads"));
  const SkyPlaces places = readSkyPlaces(fields);
  return runAsync<PlacesMeasured>(
      info.Env(), [=] { return detection.task->measurePlaces(places.raDeg, places.decDeg, threads); },
      [](Napi::Env env, const PlacesMeasured& measured) { return placesColumns(env, measured); });
}

}  // namespace otf::addon
