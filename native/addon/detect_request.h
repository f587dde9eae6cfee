// What a detection is asked for, as plain data.
#pragma once

#include <optional>
#include <string>

#include "addon/object.h"
#include "detect/detection_task.h"

namespace otf::addon {

/// Of `bench detect`.
struct DetectionRequest {
  ImageChoice image;
  RegionRequest region;
  std::optional<ImageChoice> primaryBeam;
  std::string pixelUnit;  // in place of BUNIT, "" = BUNIT counts
  std::optional<MeasureRequest> measure;
  std::string weights;
  DetectorConfig detector;
  EngineChoice engine;
};

/// Member `normalise` of DetectorConfig, and of a task that has its own.
std::vector<NormaliseStep> readNormalisation(const Fields& fields);

/// Members of DetectorConfig, and of the request's region (box, roi or neither), as in addon.ts.
DetectorConfig readDetector(const Fields& fields);
RegionRequest readRegion(const Fields& fields);

/// Member `measure` of a detection's request.
MeasureRequest readMeasure(const Fields& fields);

/// JavaScript thread only. Throws kInvalidArgument, kDetectorConfig.
DetectionRequest readDetectionRequest(const Fields& fields);

}  // namespace otf::addon
