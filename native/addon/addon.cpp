// The addon's table of contents. Every entry is declared in src/engine/addon.ts with its types.
#include <new>

#include "addon/api.h"
#include "addon/async.h"
#include "process/crash_mark.h"

namespace otf::addon {
namespace {

using Export = Napi::Value (*)(const Napi::CallbackInfo&);

/// Arguments are read before any promise exists: what goes wrong there must become a JavaScript exception
/// too, for the wrapper of node-addon-api lets no other C++ exception through.
template <Export function>
Napi::Value guarded(const Napi::CallbackInfo& info) {
  try {
    return function(info);
  } catch (...) {
    throw toJsError(info.Env(), std::current_exception());
  }
}

template <Export function>
void add(Napi::Object& exports, const char* name) {
  exports.Set(name, Napi::Function::New(exports.Env(), guarded<function>, name));
}

/// Once in every thread of JavaScript.
Napi::Object init(Napi::Env, Napi::Object exports) {
  process::ensureSignalStack();
  add<errorCodes>(exports, "errorCodes");
  add<versions>(exports, "versions");
  add<engines>(exports, "describeEngines");
  add<resolve>(exports, "resolveEngine");
  add<inspectModel>(exports, "inspectModel");
  add<writeArchitecture>(exports, "writeArchitecture");
  add<infer>(exports, "infer");
  add<checkImage>(exports, "checkImage");
  add<simulate>(exports, "simulate");
  add<simulateCubeFiles>(exports, "simulateCube");
  add<writeTable>(exports, "writeFitsTable");
  add<tableRows>(exports, "tableRows");
  add<numberText>(exports, "numberText");
  add<describeImage>(exports, "describeImage");
  add<pixelAt>(exports, "pixelAt");
  add<skyToPixels>(exports, "skyToPixels");
  add<placeRegion>(exports, "placeRegion");
  add<decodePlane>(exports, "decodePlane");
  add<makeOverview>(exports, "makeOverview");
  add<overviewStatistics>(exports, "overviewStatistics");
  add<renderTilePng>(exports, "renderTile");
  add<renderPicture>(exports, "renderPicture");
  add<yieldToOthers>(exports, "yieldToOthers");
  add<writeMap>(exports, "writeMap");
  add<writeFootprint>(exports, "writeFootprint");
  add<measureTaskPlaces>(exports, "measureTaskPlaces");
  add<measurePlaces>(exports, "measurePlaces");
  add<readTable>(exports, "readTable");
  add<scoreSdc1>(exports, "scoreSdc1");
  add<scorePlain>(exports, "scorePlain");
  add<matchSky>(exports, "matchSky");
  add<benchEngine>(exports, "benchEngine");
  add<benchCianna>(exports, "benchCianna");
  add<benchDetect>(exports, "benchDetect");
  add<startEngine>(exports, "startEngine");
  add<sendToEngine>(exports, "sendToEngine");
  add<killEngine>(exports, "killEngine");
  add<createSlots>(exports, "createSlots");
  add<closeSlots>(exports, "closeSlots");
  add<copyItems>(exports, "copyItems");
  add<writeItems>(exports, "writeItems");
  add<readItems>(exports, "readItems");
  add<openDetectionModel>(exports, "openDetectionModel");
  add<closeDetectionModel>(exports, "closeDetectionModel");
  add<openDetection>(exports, "openDetection");
  add<openReconstructionModel>(exports, "openReconstructionModel");
  add<closeReconstructionModel>(exports, "closeReconstructionModel");
  add<openReconstruction>(exports, "openReconstruction");
  add<runClassical>(exports, "runClassical");
  add<prepareTiles>(exports, "prepareTiles");
  add<bytesForTiles>(exports, "bytesForTiles");
  add<taskItem>(exports, "taskItem");
  add<fillTiles>(exports, "fillTiles");
  add<consumeTiles>(exports, "consumeTiles");
  add<finishTask>(exports, "finishTask");
  add<runTask>(exports, "runTask");
  add<cancelTask>(exports, "cancelTask");
  add<closeTask>(exports, "closeTask");
  add<configureReaders>(exports, "configureReaders");
  add<warmReaders>(exports, "warmReaders");
  add<stopReaders>(exports, "stopReaders");
  add<readerStats>(exports, "readerStats");
  add<markCrashes>(exports, "markCrashes");
  add<exitNow>(exports, "exitNow");
  return exports;
}

}  // namespace
}  // namespace otf::addon

Napi::Object initAddon(Napi::Env env, Napi::Object exports) {
  // Of what is thrown here Node's own errors alone are caught.
  try {
    return otf::addon::init(env, exports);
  } catch (const std::bad_alloc&) {
    Napi::Error::New(env, "there is not enough memory").ThrowAsJavaScriptException();
    return exports;
  }
}
NODE_API_MODULE(cianna_otf, initAddon)
