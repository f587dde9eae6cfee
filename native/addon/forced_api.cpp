// Images at the places of a table.
#include "addon/api.h"
#include "addon/async.h"
#include "addon/object.h"
#include "addon/places_values.h"
#include "detect/forced.h"
#include "task/pipeline.h"

namespace otf::addon {

Napi::Value measurePlaces(const Napi::CallbackInfo& info) {
  const Fields fields(info[0], "request");
  const ImageChoice choice = readImageChoice(fields.object("image"));
  const int threads = threadCount(fields.count("threads"));
  const SkyPlaces places = readSkyPlaces(fields);
  return runAsync<ForcedResult>(
      info.Env(),
      [=] {
        return otf::measurePlaces(FitsImage::open(choice.path, choice.select), places.raDeg, places.decDeg,
                                  threads);
      },
      [](Napi::Env env, const ForcedResult& result) {
        Napi::Object out = placesColumns(env, result.places);
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
