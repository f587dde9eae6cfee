// The addon's table of contents. Every entry is declared in src/engine/addon.ts with its types.
#include "addon/api.h"

namespace otf::addon {
namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  const auto add = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  add("errorCodes", errorCodes);
  add("versions", versions);
  add("describeEngines", engines);
  add("inspectModel", inspectModel);
  add("writeArchitecture", writeArchitecture);
  add("infer", infer);
  add("detect", detect);
  add("simulate", simulate);
  add("writeFitsTable", writeTable);
  add("preview", preview);
  add("benchEngine", benchEngine);
  add("createSlots", createSlots);
  add("closeSlots", closeSlots);
  add("copyItems", copyItems);
  add("openModel", openModel);
  add("closeModel", closeModel);
  add("openTask", openTask);
  add("fillTiles", fillTiles);
  add("consumeTiles", consumeTiles);
  add("finishTask", finishTask);
  add("cancelTask", cancelTask);
  add("closeTask", closeTask);
  return exports;
}

}  // namespace
}  // namespace otf::addon

Napi::Object initAddon(Napi::Env env, Napi::Object exports) { return otf::addon::init(env, exports); }
NODE_API_MODULE(cianna_otf, initAddon)
