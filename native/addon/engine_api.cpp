#include "addon/api.h"
#include "addon/async.h"
#include "addon/object.h"
#include "engine/registry/registry.h"
#include "error/error.h"
#include "sky/wcs.h"

namespace otf::addon {

Napi::Value errorCodes(const Napi::CallbackInfo& info) {
  std::vector<std::string> names;
  for (const Code code : allCodes()) names.emplace_back(codeName(code));
  return strings(info.Env(), names);
}

Napi::Value versions(const Napi::CallbackInfo& info) {
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("onednn", describeLocalEngines().front().version);
  out.Set("cfitsio", cfitsioVersion());
  out.Set("wcslib", wcslibVersion());
  return out;
}

Napi::Value engines(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const std::vector<EngineDescription> all = describeEngines();
  Napi::Array out = Napi::Array::New(env, all.size());
  for (uint32_t i = 0; i < all.size(); ++i) {
    Napi::Object item = Napi::Object::New(env);
    item.Set("name", all[i].name);
    item.Set("version", all[i].version);
    item.Set("device", all[i].device);
    item.Set("available", all[i].available);
    item.Set("reason", all[i].reason);
    std::vector<std::string> types;
    for (const ComputeType type : all[i].computeTypes) types.emplace_back(computeTypeName(type));
    item.Set("computeTypes", strings(env, types));
    out.Set(i, item);
  }
  return out;
}

Napi::Value resolve(const Napi::CallbackInfo& info) {
  const std::string name = info[0].As<Napi::String>().Utf8Value();
  return runAsync<std::string>(
      info.Env(), [name] { return resolveEngine(name); },
      [](Napi::Env env, const std::string& resolved) { return Napi::String::New(env, resolved); });
}

}  // namespace otf::addon
