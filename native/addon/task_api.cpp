// The pieces of a detection whose network runs elsewhere: tiles are written into an engine's slots and boxes
// read from there. Every call but the small ones (cancel, close) works for a while: call them from workers.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "addon/api.h"
#include "addon/async.h"
#include "addon/detect_request.h"
#include "addon/detect_values.h"
#include "addon/object.h"
#include "addon/slot_table.h"
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

/// The network's output of every tile, one after the other, as they come.
class RawOutput {
 public:
  explicit RawOutput(const std::string& path)
      : fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
    if (fd_ < 0) fail();
  }
  RawOutput(const RawOutput&) = delete;
  RawOutput& operator=(const RawOutput&) = delete;
  ~RawOutput() { ::close(fd_); }

  void write(const float* values, int64_t count, int64_t at) {
    const char* from = reinterpret_cast<const char*>(values);
    size_t left = static_cast<size_t>(count) * sizeof(float);
    auto offset = static_cast<off_t>(at) * static_cast<off_t>(sizeof(float));
    while (left > 0) {
      const ssize_t written = ::pwrite(fd_, from, left, offset);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) fail();
      from += written;
      left -= static_cast<size_t>(written);
      offset += written;
    }
  }
  void sync() {
    if (::fsync(fd_) != 0) fail();
  }

 private:
  [[noreturn]] static void fail() {
    throw OtfError(Code::kOutputUnwritable,
                   std::string("cannot keep the network's output: ") + std::strerror(errno));
  }
  int fd_;
};

struct Task {
  std::shared_ptr<const DetectorModel> model;
  int64_t plane = 0;
  std::atomic<bool> cancelled{false};
  DetectionTask detection;
  std::optional<PrimaryBeam> beam;
  std::optional<RawOutput> raw;

  Task(std::shared_ptr<const DetectorModel> network, FitsImage image, const RegionRequest& region,
       DetectorConfig config, const std::string& pixelUnit)
      : model(std::move(network)),
        detection(std::move(image), region, std::move(config), model->head, pixelUnit) {
    detection.setCancel(&cancelled);
  }
};

/// The model's, but for the normalisation the task may have of its own.
DetectorConfig taskConfig(const DetectorModel& model, const Fields& fields) {
  DetectorConfig config = model.config;
  if (!fields.has("normalise")) return config;
  config.normalise = readNormalisation(fields);
  checkDetectorConfig(config, model.head);
  return config;
}

Handles<Task>& taskTable() {
  static Handles<Task> table("task");
  return table;
}

/// Which tiles of which task are which items of which slot.
struct Piece {
  std::shared_ptr<Task> task;
  std::shared_ptr<EngineSlots> slots;
  int64_t first, slot, item;
  int count;

  explicit Piece(const Fields& fields)
      : task(taskTable().get(fields.integer("task"))),
        slots(slotTable().get(fields.integer("slots"))),
        first(fields.integer("first")),
        slot(fields.integer("slot")),
        item(fields.integer("item")),
        count(fields.count("count")) {
    const DetectionTask& detection = task->detection;
    if (detection.layout().tilePixels() != slots->valuesIn || detection.outputValues() != slots->valuesOut)
      throw OtfError(Code::kInternal, "the slots are not those of the task's network");
  }
};

}  // namespace

Napi::Value openModel(const Napi::CallbackInfo& info) {
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
  out.Set("warnings", strings(env, model->warnings));
  out.Set("model", static_cast<double>(modelTable().add(std::move(model))));
  return out;
}

Napi::Value closeModel(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  modelTable().close(info[0].ToNumber().Int64Value());
  return env.Undefined();
}

Napi::Value openTask(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Fields fields(info[0], "request");
  const ImageChoice choice = readImageChoice(fields.object("image"));
  auto model = modelTable().get(fields.integer("model"));
  const DetectorConfig config = taskConfig(*model, fields);
  const std::string pixelUnit = fields.has("pixelUnit") ? fields.text("pixelUnit") : "";
  auto task = std::make_shared<Task>(std::move(model), FitsImage::open(choice.path, choice.select),
                                     readRegion(fields), config, pixelUnit);
  task->plane = choice.select.plane;
  if (fields.has("primaryBeam")) {
    const ImageChoice beam = readImageChoice(fields.object("primaryBeam"));
    task->beam = PrimaryBeam::open(beam.path, beam.select);
  }
  if (fields.has("rawOutput")) task->raw.emplace(fields.text("rawOutput"));
  Napi::Object out = Napi::Object::New(env);
  out.Set("tiles", static_cast<double>(task->detection.tileCount()));
  out.Set("bytes", static_cast<double>(task->detection.memoryBytes()));
  out.Set("task", static_cast<double>(taskTable().add(std::move(task))));
  return out;
}

Napi::Value prepareTiles(const Napi::CallbackInfo& info) {
  const auto task = taskTable().get(info[0].ToNumber().Int64Value());
  return Napi::Number::New(info.Env(), static_cast<double>(task->detection.prepareTiles()));
}

Napi::Value fillTiles(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Piece piece(Fields(info[0], "piece"));
  piece.task->detection.fillTiles(piece.first, piece.count,
                                  piece.slots->input(piece.slot, piece.item, piece.count));
  return env.Undefined();
}

Napi::Value consumeTiles(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Piece piece(Fields(info[0], "piece"));
  Task& task = *piece.task;
  const float* outputs = piece.slots->output(piece.slot, piece.item, piece.count);
  task.detection.consume(piece.first, piece.count, piece.slots->input(piece.slot, piece.item, piece.count),
                         outputs);
  const int64_t values = piece.slots->valuesOut;
  if (task.raw) task.raw->write(outputs, piece.count * values, piece.first * values);
  return env.Undefined();
}

Napi::Value finishTask(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto task = taskTable().get(info[0].ToNumber().Int64Value());
  DetectionOutcome outcome = describeDetection(task->detection, task->plane);
  // One thread: the other workers and the engine have the rest of the machine.
  outcome.detection = task->detection.finish(task->beam ? &*task->beam : nullptr, 1);
  outcome.detection.warnings.insert(outcome.detection.warnings.begin(), task->model->warnings.begin(),
                                    task->model->warnings.end());
  if (task->raw) task->raw->sync();
  return detectionValues(env, outcome);
}

Napi::Value cancelTask(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  taskTable().get(info[0].ToNumber().Int64Value())->cancelled = true;
  return env.Undefined();
}

Napi::Value closeTask(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  taskTable().close(info[0].ToNumber().Int64Value());
  return env.Undefined();
}

}  // namespace otf::addon
