#include "addon/api.h"
#include "addon/async.h"
#include "addon/object.h"
#include "simulate/simulate.h"

namespace otf::addon {

Napi::Value simulate(const Napi::CallbackInfo& info) {
  const Fields fields(info[0], "request");
  const std::string path = fields.text("output");
  SimulateSpec spec;
  spec.sizePx = fields.integer("sizePx");
  spec.density = fields.number("density");
  spec.noiseJyBeam = fields.number("noise");
  spec.seed = static_cast<uint64_t>(fields.integer("seed"));
  return runAsync<SimulatedTruth>(
      info.Env(), [=] { return simulateToFits(spec, path); },
      [](Napi::Env env, const SimulatedTruth& truth) {
        Napi::Object out = Napi::Object::New(env);
        out.Set("count", static_cast<double>(truth.count()));
        out.Set("raDeg", doubles(env, truth.raDeg));
        out.Set("decDeg", doubles(env, truth.decDeg));
        out.Set("x", doubles(env, truth.x));
        out.Set("y", doubles(env, truth.y));
        out.Set("fluxJy", doubles(env, truth.fluxJy));
        out.Set("bmajArcsec", doubles(env, truth.bmajArcsec));
        out.Set("bminArcsec", doubles(env, truth.bminArcsec));
        out.Set("paPixelDeg", doubles(env, truth.paPixelDeg));
        out.Set("peakSnr", doubles(env, truth.peakSnr));
        return out;
      });
}

}  // namespace otf::addon
