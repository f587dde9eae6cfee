// What a detection found, with all that results say about its image.
#pragma once

#include <string>
#include <vector>

#include "detect/detection_task.h"

namespace otf {

struct DetectionOutcome {
  FitsInfo image;
  int64_t plane = 0;
  std::string pixelUnit;
  double unitFactor = 1;
  std::string projection;  // with a celestial WCS only, as the next two
  double pixelScaleDeg = 0;
  SkyPosition centre;
  DetectionResult detection;
  std::vector<std::string> parameterColumns;
};

/// Of a task that is finished. `plane` of the file.
DetectionOutcome detectionOutcome(const DetectionTask& task, int64_t plane);

}  // namespace otf
