// The pieces of a task, whatever its kind: its network runs elsewhere, on tiles in an engine's slots, or here (runTask).
// Every call but the small ones (cancel, close) works for a while: call them from workers.
#include <limits>

#include "addon/api.h"
#include "addon/async.h"
#include "addon/object.h"
#include "addon/slot_table.h"
#include "addon/task_table.h"
#include "engine/draws/drawing_engine.h"
#include "engine/registry/registry.h"
#include "error/error.h"
#include "task/pipeline.h"
#include "timing/stopwatch.h"

namespace otf::addon {
namespace {

std::shared_ptr<OpenTask> taskOf(const Napi::Value& handle) {
  return taskTable().get(handle.ToNumber().Int64Value());
}

/// Which tiles of which task are which items of which slot.
struct Piece {
  std::shared_ptr<OpenTask> task;
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
    const TileTask& tiles = *task->tiles;
    if (tiles.inputValues() != slots->valuesIn || tiles.outputValues() != slots->valuesOut)
      throw OtfError(Code::kInternal, "the slots are not those of the task's network");
  }
};

struct Model {
  std::string weights, calibration;       // files; no calibration: ''
  std::string sha256, calibrationSha256;  // what the files must have
  bool ranges = false;                    // of what comes out of its layers are wanted

  explicit Model(const Fields& fields) : weights(fields.text("weights")), sha256(fields.text("sha256")) {
    if (fields.has("calibration")) {
      calibration = fields.text("calibration");
      calibrationSha256 = fields.text("calibrationSha256");
    }
    ranges = fields.has("ranges") && fields.flag("ranges");
  }
};

struct Run {
  EngineInfo engine;
  std::string ranges;  // a calibration with one leading convolution, where they are wanted
  int64_t engineBytes = 0;
  double inferSeconds = 0, wallSeconds = 0;
};

Draws drawsOf(const Fields& engine) {
  if (!engine.has("draws")) return {};
  const Fields draws = engine.object("draws");
  return {draws.count("repeats"), static_cast<uint64_t>(draws.integer("seed"))};
}

Run run(TileTask& task, const Model& model, const EngineChoice& choice, const Draws& draws,
        Progress& progress) {
  const auto network = std::make_shared<Network>(readNetwork(model.weights, model.sha256));
  EngineOptions engineOptions = choice.options;
  if (engineOptions.computeType == ComputeType::kInt8cInt32a && !model.calibration.empty())
    engineOptions.calibration = std::make_shared<const Calibration>(
        readCalibration(model.calibration, *network, model.calibrationSha256));
  if (model.ranges) engineOptions.ranges = std::make_shared<RangeNotes>();
  engineOptions.oneItem = choice.batch == 1;
  const MakeEngine make = [&](const EngineOptions& options) {
    return createEngine(choice.name, network, options);
  };
  const auto engine =
      draws.repeats > 0 ? createDrawingEngine(draws, engineOptions, make) : make(engineOptions);
  PipelineOptions options;
  options.batch = choice.batch;
  options.threads = choice.options.threads;
  options.progress = [&progress](int64_t done, int64_t total) { progress(done, total); };
  Run outcome;
  outcome.engine = engine->info();
  const Stopwatch watch;
  outcome.inferSeconds = runTileTask(task, *engine, options);
  outcome.wallSeconds = watch.seconds();
  outcome.engineBytes = engine->memoryBytes();
  if (model.ranges) outcome.ranges = calibrationText({1, engineOptions.ranges->ranges()});
  return outcome;
}

Napi::Value toJs(Napi::Env env, const Run& outcome) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("engine", engineInfo(env, outcome.engine));
  out.Set("engineBytes", static_cast<double>(outcome.engineBytes));
  out.Set("inferSeconds", outcome.inferSeconds);
  out.Set("wallSeconds", outcome.wallSeconds);
  if (!outcome.ranges.empty()) out.Set("ranges", outcome.ranges);
  return out;
}

}  // namespace

Handles<OpenTask>& taskTable() {
  static Handles<OpenTask> table("task");
  return table;
}

Napi::Value openedTask(Napi::Env env, std::shared_ptr<OpenTask> task) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("tiles", static_cast<double>(task->tiles->items()));
  out.Set("bytes", static_cast<double>(task->tiles->memoryBytes()));
  out.Set("decodes", task->tiles->decodes());
  out.Set("valuesIn", static_cast<double>(task->tiles->inputValues()));
  out.Set("valuesOut", static_cast<double>(task->tiles->outputValues()));
  out.Set("task", static_cast<double>(taskTable().add(std::move(task))));
  return out;
}

Napi::Value prepareTiles(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(taskOf(info[0])->tiles->prepare()));
}

Napi::Value bytesForTiles(const Napi::CallbackInfo& info) {
  const uint64_t bytes = taskOf(info[0])->tiles->bytesFor(info[1].ToNumber().Int64Value());
  const double most = std::numeric_limits<double>::infinity();
  return Napi::Number::New(info.Env(), bytes == TileTask::kAllBytes ? most : static_cast<double>(bytes));
}

Napi::Value taskItem(const Napi::CallbackInfo& info) {
  TileTask& tiles = *taskOf(info[0])->tiles;
  Napi::Float32Array out = Napi::Float32Array::New(info.Env(), static_cast<size_t>(tiles.inputValues()));
  tiles.fill(info[1].ToNumber().Int64Value(), 1, out.Data());
  return out;
}

Napi::Value fillTiles(const Napi::CallbackInfo& info) {
  const Piece piece(Fields(info[0], "piece"));
  piece.task->tiles->fill(piece.first, piece.count, piece.slots->input(piece.slot, piece.item, piece.count));
  return info.Env().Undefined();
}

Napi::Value consumeTiles(const Napi::CallbackInfo& info) {
  const Piece piece(Fields(info[0], "piece"));
  OpenTask& task = *piece.task;
  const float* outputs = piece.slots->output(piece.slot, piece.item, piece.count);
  task.tiles->consume(piece.first, piece.count, piece.slots->input(piece.slot, piece.item, piece.count),
                      outputs);
  if (task.raw) {
    const int64_t values = piece.slots->valuesOut / task.outputParts;
    for (int i = 0; i < piece.count; ++i)
      task.raw->write(outputs + i * piece.slots->valuesOut, values, (piece.first + i) * values);
  }
  return info.Env().Undefined();
}

Napi::Value finishTask(const Napi::CallbackInfo& info) {
  const auto task = taskOf(info[0]);
  task->tiles->finish(threadCount(info[1].ToNumber().Int32Value()));
  if (task->raw) task->raw->sync();
  return task->found(info.Env());
}

Napi::Value runTask(const Napi::CallbackInfo& info) {
  const Fields fields(info[0], "request");
  const auto task = taskTable().get(fields.integer("task"));
  const Fields given = fields.object("model");
  EngineChoice engine = readEngineChoice(fields.object("engine"));
  engine.options.inputBias = static_cast<float>(given.number("inputBias"));
  const Model model(given);
  const auto progress = std::make_shared<Progress>(info.Env(), info[1]);
  return runAsync<Run>(
      info.Env(),
      [task, model, engine, draws = drawsOf(fields.object("engine")), progress] {
        return run(*task->tiles, model, engine, draws, *progress);
      },
      toJs);
}

Napi::Value cancelTask(const Napi::CallbackInfo& info) {
  taskOf(info[0])->tiles->cancel();
  return info.Env().Undefined();
}

Napi::Value closeTask(const Napi::CallbackInfo& info) {
  taskTable().close(info[0].ToNumber().Int64Value());
  return info.Env().Undefined();
}

}  // namespace otf::addon
