// What `detect` and `bench detect` are asked for, as plain data.
#pragma once

#include <optional>
#include <string>

#include "addon/object.h"
#include "detect/pipeline.h"

namespace otf::addon {

struct DetectionRequest {
  ImageChoice image;
  RegionRequest region;
  std::string primaryBeam, weights;
  DetectorConfig detector;
  EngineChoice engine;
};

/// JavaScript thread only. Throws kInvalidArgument, kDetectorConfig.
DetectionRequest readDetectionRequest(const Fields& fields);

/// StageTimes of addon.ts.
Napi::Object stageTimes(Napi::Env env, const StageSeconds& seconds);

/// Largest resident size of this process so far.
int64_t peakRssBytes();

}  // namespace otf::addon
