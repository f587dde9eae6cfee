#include "addon/places_values.h"

#include "error/error.h"

namespace otf::addon {

SkyPlaces readSkyPlaces(const Fields& fields) {
  SkyPlaces places{fields.numbers("raDeg"), fields.numbers("decDeg")};
  if (places.raDeg.size() != places.decDeg.size())
    throw OtfError(Code::kInvalidArgument, "places: raDeg and decDeg differ in length");
  return places;
}

Napi::Object placesColumns(Napi::Env env, const PlacesMeasured& places) {
  using One = const measure::Measurement&;
  Napi::Object out = Napi::Object::New(env);
  const auto add = [&](const char* name, auto get) {
    Napi::Float64Array values = Napi::Float64Array::New(env, places.rows.size());
    for (size_t i = 0; i < places.rows.size(); ++i) values[i] = get(places.rows[i]);
    out.Set(name, values);
  };
  out.Set("x", doubles(env, places.x));
  out.Set("y", doubles(env, places.y));
  add("peak", [](One m) { return m.fit.peak; });
  add("peakError", [](One m) { return m.errors.peak; });
  add("background", [](One m) { return m.background; });
  add("rms", [](One m) { return m.rms; });
  add("flags", [](One m) { return static_cast<double>(m.flags); });
  return out;
}

}  // namespace otf::addon
