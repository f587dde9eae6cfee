#include "addon/quality_values.h"

#include <vector>

#include "addon/object.h"

namespace otf::addon {
namespace {

Napi::Object binColumns(Napi::Env env, const std::vector<quality::QualityBin>& bins) {
  using One = const quality::QualityBin&;
  Napi::Object out = Napi::Object::New(env);
  const auto add = [&](const char* name, auto get) {
    Napi::Float64Array values = Napi::Float64Array::New(env, bins.size());
    for (size_t i = 0; i < bins.size(); ++i) values[i] = get(bins[i]);
    out.Set(name, values);
  };
  add("low", [](One bin) { return bin.low; });
  add("high", [](One bin) { return bin.high; });
  add("found", [](One bin) { return static_cast<double>(bin.found); });
  add("negative", [](One bin) { return static_cast<double>(bin.negative); });
  add("reliability", [](One bin) { return bin.reliability; });
  add("reliabilityLow", [](One bin) { return bin.reliabilityLow; });
  add("reliabilityHigh", [](One bin) { return bin.reliabilityHigh; });
  add("mocks", [](One bin) { return static_cast<double>(bin.completeness.whole); });
  add("recovered", [](One bin) { return static_cast<double>(bin.completeness.part); });
  add("completeness", [](One bin) { return bin.completeness.value; });
  add("completenessLow", [](One bin) { return bin.completeness.low; });
  add("completenessHigh", [](One bin) { return bin.completeness.high; });
  return out;
}

}  // namespace

Napi::Object qualityValues(Napi::Env env, const quality::QualityResult& result) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("tiles", static_cast<double>(result.tiles));
  out.Set("sampled", result.sampled);
  out.Set("negatives", static_cast<double>(result.negatives));
  out.Set("mocks", static_cast<double>(result.mocks));
  out.Set("recovered", static_cast<double>(result.recovered));
  out.Set("bySnr", binColumns(env, result.bySnr));
  out.Set("byFlux", binColumns(env, result.byFlux));
  out.Set("reliability", doubles(env, result.reliability));
  return out;
}

}  // namespace otf::addon
