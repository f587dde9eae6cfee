// Functions the addon exports. But for the last groups, each reads its arguments on the JavaScript thread,
// works on a pool thread on plain data, and builds its answer back on the JavaScript thread.
#pragma once

#include <napi.h>

namespace otf::addon {

Napi::Value errorCodes(const Napi::CallbackInfo& info);
Napi::Value versions(const Napi::CallbackInfo& info);
Napi::Value engines(const Napi::CallbackInfo& info);
Napi::Value resolve(const Napi::CallbackInfo& info);
Napi::Value inspectModel(const Napi::CallbackInfo& info);
Napi::Value writeArchitecture(const Napi::CallbackInfo& info);
Napi::Value infer(const Napi::CallbackInfo& info);
Napi::Value runTask(const Napi::CallbackInfo& info);
Napi::Value checkImage(const Napi::CallbackInfo& info);
Napi::Value simulate(const Napi::CallbackInfo& info);
/// Of a reconstruction by a classical method, in place of runTask.
Napi::Value runClassical(const Napi::CallbackInfo& info);
Napi::Value simulateCubeFiles(const Napi::CallbackInfo& info);
Napi::Value writeTable(const Napi::CallbackInfo& info);
Napi::Value measurePlaces(const Napi::CallbackInfo& info);
Napi::Value writeMap(const Napi::CallbackInfo& info);
Napi::Value writeFootprint(const Napi::CallbackInfo& info);
Napi::Value measureTaskPlaces(const Napi::CallbackInfo& info);

// Catalogues against each other (score_api.cpp).
Napi::Value readTable(const Napi::CallbackInfo& info);
Napi::Value scoreSdc1(const Napi::CallbackInfo& info);
Napi::Value scorePlain(const Napi::CallbackInfo& info);
Napi::Value matchSky(const Napi::CallbackInfo& info);

Napi::Value benchEngine(const Napi::CallbackInfo& info);
Napi::Value benchCianna(const Napi::CallbackInfo& info);
Napi::Value benchDetect(const Napi::CallbackInfo& info);

// Synchronous: milliseconds for thousands of rows (table_api.cpp).
Napi::Value tableRows(const Napi::CallbackInfo& info);
Napi::Value numberText(const Napi::CallbackInfo& info);

// Synchronous, for workers (slots_api.cpp, detect_api.cpp, task_api.cpp).
Napi::Value createSlots(const Napi::CallbackInfo& info);
Napi::Value closeSlots(const Napi::CallbackInfo& info);
Napi::Value copyItems(const Napi::CallbackInfo& info);
Napi::Value writeItems(const Napi::CallbackInfo& info);
Napi::Value readItems(const Napi::CallbackInfo& info);
Napi::Value openDetectionModel(const Napi::CallbackInfo& info);
Napi::Value closeDetectionModel(const Napi::CallbackInfo& info);
Napi::Value openDetection(const Napi::CallbackInfo& info);
Napi::Value openReconstructionModel(const Napi::CallbackInfo& info);
Napi::Value closeReconstructionModel(const Napi::CallbackInfo& info);
Napi::Value openReconstruction(const Napi::CallbackInfo& info);
Napi::Value fillTiles(const Napi::CallbackInfo& info);
Napi::Value consumeTiles(const Napi::CallbackInfo& info);
Napi::Value finishTask(const Napi::CallbackInfo& info);
Napi::Value cancelTask(const Napi::CallbackInfo& info);
Napi::Value closeTask(const Napi::CallbackInfo& info);
Napi::Value prepareTiles(const Napi::CallbackInfo& info);
Napi::Value bytesForTiles(const Napi::CallbackInfo& info);
Napi::Value taskItem(const Napi::CallbackInfo& info);

// Engine processes, for the event loop (engine_process_api.cpp).
Napi::Value startEngine(const Napi::CallbackInfo& info);
Napi::Value sendToEngine(const Napi::CallbackInfo& info);
Napi::Value killEngine(const Napi::CallbackInfo& info);

// Synchronous, for workers (header_api.cpp, picture_api.cpp).
Napi::Value describeImage(const Napi::CallbackInfo& info);
Napi::Value pixelAt(const Napi::CallbackInfo& info);
Napi::Value skyToPixels(const Napi::CallbackInfo& info);
Napi::Value placeRegion(const Napi::CallbackInfo& info);
Napi::Value decodePlane(const Napi::CallbackInfo& info);
Napi::Value makeOverview(const Napi::CallbackInfo& info);
Napi::Value overviewStatistics(const Napi::CallbackInfo& info);
Napi::Value renderTilePng(const Napi::CallbackInfo& info);
Napi::Value renderPicture(const Napi::CallbackInfo& info);
Napi::Value yieldToOthers(const Napi::CallbackInfo& info);

// Processes that decode images (reader_api.cpp).
Napi::Value configureReaders(const Napi::CallbackInfo& info);
Napi::Value warmReaders(const Napi::CallbackInfo& info);
Napi::Value stopReaders(const Napi::CallbackInfo& info);
Napi::Value readerStats(const Napi::CallbackInfo& info);
Napi::Value markCrashes(const Napi::CallbackInfo& info);
Napi::Value exitNow(const Napi::CallbackInfo& info);

}  // namespace otf::addon
