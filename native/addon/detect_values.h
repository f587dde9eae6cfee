// What a detection gives, from the detect room to JavaScript.
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
  std::string pixelUnit;
  double unitFactor = 1;
  std::string projection;
  double pixelScaleDeg = 0;
  SkyPosition centre;
  DetectionResult detection;
  std::vector<std::string> parameterColumns;
};

/// The image's part and the columns' names; the detection is still to be done.
DetectionOutcome describeDetection(const DetectionTask& task, int64_t plane);

/// catalogue, image, tiling, counts, times.
Napi::Object detectionValues(Napi::Env env, const DetectionOutcome& outcome);

}  // namespace otf::addon
