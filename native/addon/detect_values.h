// What a detection is asked for and what it gives, between JavaScript and the detect room.
#pragma once

#include <napi.h>

#include <string>
#include <vector>

#include "addon/object.h"
#include "detect/detection_task.h"

namespace otf::addon {

/// DetectOutcome of addon.ts, but for the engine and its memory.
struct DetectionOutcome {
  FitsInfo image;
  int64_t plane = 0;
  std::string projection;
  double pixelScaleDeg = 0;
  SkyPosition centre;
  DetectionResult detection;
  std::vector<std::string> parameterColumns;
};

/// Members of DetectorConfig and of the request's region (box, roi or neither), as in addon.ts.
DetectorConfig readDetector(const Fields& fields);
RegionRequest readRegion(const Fields& fields);

/// The image's part and the columns' names; the detection is still to be done.
DetectionOutcome describeDetection(const FitsInfo& image, int64_t plane, const DetectorConfig& config);

/// catalogue, image, tiling, counts, times.
Napi::Object detectionValues(Napi::Env env, const DetectionOutcome& outcome);

}  // namespace otf::addon
