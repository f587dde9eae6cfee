// Simulated cubes.
#include <algorithm>

#include "addon/api.h"
#include "addon/async.h"
#include "addon/object.h"
#include "error/error.h"
#include "simulate/cube/cube.h"

namespace otf::addon {
namespace {

Weighting readWeighting(const std::string& name) {
  if (name == "natural") return Weighting::kNatural;
  if (name == "uniform") return Weighting::kUniform;
  if (name == "briggs") return Weighting::kBriggs;
  throw OtfError(Code::kInvalidArgument,
                 "there is no weighting \"" + name + "\": natural, uniform and briggs are");
}

std::vector<simulate::CurveShape> readShapes(const Fields& fields) {
  std::vector<simulate::CurveShape> shapes;
  std::string names = fields.text("shapes");
  while (!names.empty()) {
    const size_t end = std::min(names.find(','), names.size());
    const std::string name = names.substr(0, end);
    const auto shape = simulate::parseCurve(name);
    if (!shape)
      throw OtfError(Code::kInvalidArgument, "there is no light curve of the shape \"" + name + "\"");
    shapes.push_back(*shape);
    names.erase(0, end + 1);
  }
  return shapes;
}

CubeSpec readSpec(const Fields& fields) {
  CubeSpec spec;
  spec.sizePx = fields.integer("sizePx");
  spec.frames = fields.count("frames");
  spec.cellArcsec = fields.number("cellArcsec");
  spec.frequencyMHz = fields.number("frequencyMHz");
  spec.bandwidthMHz = fields.number("bandwidthMHz");
  spec.channels = fields.count("channels");
  spec.declinationDeg = fields.number("declinationDeg");
  spec.hourAngleDeg = fields.number("hourAngleDeg");
  spec.hours = fields.number("hours");
  spec.snapshots = fields.count("snapshots");
  spec.weighting = readWeighting(fields.text("weighting"));
  spec.robust = fields.number("robust");
  spec.superWeight = fields.count("superWeight");
  spec.noiseJyBeam = fields.number("noise");
  spec.sefdJy = fields.number("sefdJy");
  spec.efficiency = fields.number("efficiency");
  spec.integrationS = fields.number("integrationS");
  spec.transients = fields.count("transients");
  spec.steady = fields.count("steady");
  spec.shapes = readShapes(fields);
  spec.tauMin = fields.number("tauMin");
  spec.tauMax = fields.number("tauMax");
  spec.sigmaOverPeak = fields.number("sigmaOverPeak");
  spec.spread = fields.number("spread");
  spec.separationPx = fields.number("separationPx");
  spec.extendedJy = fields.number("extendedJy");
  spec.primaryBeam = fields.flag("primaryBeam");
  spec.gainError = fields.number("gainError");
  spec.phaseErrorDeg = fields.number("phaseErrorDeg");
  spec.exact = fields.flag("exact");
  spec.seed = static_cast<uint64_t>(fields.integer("seed"));
  spec.array = fields.has("arrayFile")
                   ? simulate::readAntennaTable(fields.text("arrayFile"), fields.number("latitudeDeg"))
                   : simulate::builtInArray(fields.text("array"), spec.seed);
  return spec;
}

Napi::Value toJs(Napi::Env env, const CubeTruth& truth) {
  Napi::Array sources = Napi::Array::New(env, truth.sources.size());
  for (uint32_t i = 0; i < truth.sources.size(); ++i) {
    const CubeSource& it = truth.sources[i];
    Napi::Object out = Napi::Object::New(env);
    out.Set("x", it.placed.x);
    out.Set("y", it.placed.y);
    out.Set("raDeg", it.raDeg);
    out.Set("decDeg", it.decDeg);
    out.Set("shape", std::string(simulate::curveName(it.placed.shape)));
    out.Set("t0", it.placed.t0);
    out.Set("tau", it.placed.tau);
    out.Set("peakJy", it.placed.peakJy);
    out.Set("attenuation", it.attenuation);
    out.Set("fluxJy", doubles(env, it.fluxJy));
    sources[i] = out;
  }
  Napi::Object out = Napi::Object::New(env);
  out.Set("sources", sources);
  out.Set("sigmaJyBeam", doubles(env, truth.sigmaJyBeam));
  out.Set("timesS", doubles(env, truth.timesS));
  out.Set("mjdStart", truth.mjdStart);
  return out;
}

}  // namespace

Napi::Value simulateCubeFiles(const Napi::CallbackInfo& info) {
  const Fields fields(info[0], "request");
  const auto spec = std::make_shared<CubeSpec>(readSpec(fields));
  return runAsync<CubeTruth>(
      info.Env(), [spec, folder = fields.text("folder")] { return simulateCube(*spec, folder); }, toJs);
}

}  // namespace otf::addon
