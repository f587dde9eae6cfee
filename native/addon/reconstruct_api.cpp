// Reconstructions: their models and tasks are opened here; what follows is the same for every kind (task_api.cpp).
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "addon/api.h"
#include "addon/async.h"
#include "addon/object.h"
#include "addon/reconstruct_values.h"
#include "addon/task_table.h"
#include "error/error.h"
#include "reconstruct/reconstruction_task.h"

namespace otf::addon {
namespace {

/// What tasks need of a network: how far it sees, not its weights.
struct ReconstructorModel {
  ReconstructorConfig config;
  NetworkReach reach;
  std::vector<std::string> warnings;
};

Handles<ReconstructorModel>& modelTable() {
  static Handles<ReconstructorModel> table("model");
  return table;
}

ReconstructorConfig readConfig(const Fields& fields) {
  ReconstructorConfig config;
  config.tilePx = fields.count("tilePx");
  config.depthFrames = fields.count("depthFrames");
  config.minFrames = fields.count("minFrames");
  config.trainedFrames = fields.count("trainedFrames");
  config.beamPx = fields.number("beamPx");
  config.wienerLambda = fields.number("wienerLambda");
  config.windowFrames = fields.number("windowFrames");
  config.rssAtThreshold = fields.number("rssAtThreshold");
  config.fluxRecError = fields.number("fluxRecError");
  config.psfFwhmMin = fields.number("psfFwhmMin");
  config.psfFwhmMax = fields.number("psfFwhmMax");
  config.psfSidelobesMin = fields.number("psfSidelobesMin");
  config.psfSidelobesMax = fields.number("psfSidelobesMax");
  config.peakSnrMin = fields.number("peakSnrMin");
  config.peakSnrMax = fields.number("peakSnrMax");
  config.cadenceMinS = fields.number("cadenceMinS");
  config.cadenceMaxS = fields.number("cadenceMaxS");
  return config;
}

CubeFile readFile(const Fields& file) { return {file.text("path"), file.text("label")}; }

std::vector<CubeFile> readFiles(const Fields& fields, const char* key) {
  std::vector<CubeFile> files;
  for (const Fields& file : fields.objects(key)) files.push_back(readFile(file));
  return files;
}

ReconstructMethod readMethod(const std::string& name) {
  if (name == "network") return ReconstructMethod::kNetwork;
  if (name == "clean") return ReconstructMethod::kClean;
  if (name == "clean-smooth") return ReconstructMethod::kCleanSmooth;
  if (name == "clean-bank") return ReconstructMethod::kCleanBank;
  throw OtfError(Code::kInvalidArgument, "there is no method \"" + name + "\"");
}

StaticPart readStatic(const std::string& name) {
  if (name == "none") return StaticPart::kNone;
  if (name == "mean-clean") return StaticPart::kMeanClean;
  throw OtfError(Code::kInvalidArgument, "there is no way \"" + name + "\" to take what is static away");
}

ReconstructRequest readRequest(const Fields& fields) {
  ReconstructRequest request;
  request.method = readMethod(fields.text("method"));
  request.staticPart = readStatic(fields.text("staticPart"));
  request.thresholdSnr = fields.number("threshold");
  for (const Fields& it : fields.objects("positions"))
    request.positions.push_back({it.text("name"), it.number("first"), it.number("second"), it.flag("isSky")});
  request.folder = fields.text("folder");
  request.threads = fields.count("threads");
  return request;
}

std::shared_ptr<ReconstructionTask> taskAt(const Napi::Value& handle) {
  const auto open = taskTable().get(handle.ToNumber().Int64Value());
  auto task = std::dynamic_pointer_cast<ReconstructionTask>(open->tiles);
  if (!task) throw OtfError(Code::kInvalidArgument, "the task is no reconstruction");
  return task;
}

}  // namespace

Napi::Value openReconstructionModel(const Napi::CallbackInfo& info) {
  const Fields fields(info[0], "request");
  const Network network = readNetwork(fields.text("weights"), fields.text("sha256"));
  auto model = std::make_shared<ReconstructorModel>();
  model->config = readConfig(fields.object("reconstructor"));
  model->reach = reconstructorReach(network, kChannels);
  model->warnings = network.warnings;
  const ReconstructorConfig& config = model->config;
  // Longer axes than windows can be cut into are found here, not with the first large cube.
  planWindows(int64_t{config.tilePx} + 1, config.tilePx, std::max(model->reach.x, model->reach.y));
  planWindows(int64_t{config.depthFrames} + 1, config.depthFrames, model->reach.t);
  const auto voxels = static_cast<double>(config.tilePx) * config.tilePx * config.depthFrames;
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("valuesIn", voxels * kChannels);
  out.Set("valuesOut", voxels);
  out.Set("model", static_cast<double>(modelTable().add(std::move(model))));
  return out;
}

Napi::Value closeReconstructionModel(const Napi::CallbackInfo& info) {
  modelTable().close(info[0].ToNumber().Int64Value());
  return info.Env().Undefined();
}

Napi::Value openReconstruction(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Fields fields(info[0], "request");
  const auto model = modelTable().get(fields.integer("model"));
  CubeSources sources{readFiles(fields, "cube"), readFiles(fields, "psf"), {}, {}};
  if (fields.has("times")) sources.times = readFile(fields.object("times"));
  if (fields.has("truth")) sources.truth = readFile(fields.object("truth"));
  std::optional<int> band;
  if (fields.has("band")) band = fields.count("band");
  auto tiles = std::make_shared<ReconstructionTask>(openBands(sources, band), model->config, model->reach,
                                                    readRequest(fields));
  auto task = std::make_shared<OpenTask>();
  task->tiles = tiles;
  task->found = [tiles, model](Napi::Env e) -> Napi::Value {
    return reconstructionValues(e, *tiles, model->warnings);
  };
  if (fields.has("rawOutput")) task->raw.emplace(fields.text("rawOutput"));
  Napi::Object out = openedTask(env, std::move(task)).As<Napi::Object>();
  const Extent item = tiles->itemExtent();
  Napi::Object shape = Napi::Object::New(env);
  shape.Set("width", item.w);
  shape.Set("height", item.h);
  shape.Set("depth", item.d);
  out.Set("item", shape);
  out.Set("valuesIn", static_cast<double>(tiles->inputValues()));
  out.Set("valuesOut", static_cast<double>(tiles->outputValues()));
  return out;
}

Napi::Value runClassical(const Napi::CallbackInfo& info) {
  const auto task = taskAt(info[0]);
  return runAsync(
      info.Env(), [task] { task->runClassical(); }, [](Napi::Env env) { return env.Undefined(); });
}

}  // namespace otf::addon
