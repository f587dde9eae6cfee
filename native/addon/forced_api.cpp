// Images at the places of a table.
#include "addon/api.h"
#include "addon/async.h"
#include "addon/object.h"
#include "detect/forced.h"
#include "error/error.h"
#include "task/pipeline.h"

namespace otf::addon {

Napi::Value measurePlaces(const Napi::CallbackInfo& info) {
  const Fields fields(info[0], "request");
  const ImageChoice choice = readImageChoice(fields.object("image"));
  const int threads = threadCount(fields.count("threads"));
  const std::vector<double> ra = fields.numbers("raDeg"), dec = fields.numbers("decDeg");
  if (ra.size() != dec.size())
    throw OtfError(Code::kInvalidArgument, "places: raDeg and decDeg differ in length");
  return runAsync<ForcedResult>(
      info.Env(),
      [=] { return otf::measurePlaces(FitsImage::open(choice.path, choice.select), ra, dec, threads); },
      [](Napi::Env env, const ForcedResult& result) {
        using One = const measure::Measurement&;
        Napi::Object out = Napi::Object::New(env);
        const auto add = [&](const char* name, auto get) {
          Napi::Float64Array values = Napi::Float64Array::New(env, result.rows.size());
          for (size_t i = 0; i < result.rows.size(); ++i) values[i] = get(result.rows[i]);
          out.Set(name, values);
        };
        out.Set("x", doubles(env, result.x));
        out.Set("y", doubles(env, result.y));
        add("peak", [](One m) { return m.fit.peak; });
        add("peakError", [](One m) { return m.errors.peak; });
        add("background", [](One m) { return m.background; });
        add("rms", [](One m) { return m.rms; });
        add("flags", [](One m) { return static_cast<double>(m.flags); });
        out.Set("pixelUnit", result.header.pixelUnit);
        Napi::Object frame = Napi::Object::New(env);
        frame.Set("system", result.header.wcs->frame().system);
        frame.Set("equinox", result.header.wcs->frame().equinox);
        out.Set("frame", frame);
        out.Set("typicalRms", result.typicalRms);
        out.Set("cellPx", static_cast<double>(result.cellPx));
        out.Set("warnings", strings(env, result.header.warnings));
        return out;
      });
}

}  // namespace otf::addon
