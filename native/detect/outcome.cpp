#include "detect/outcome.h"

#include <cmath>

#include "sky/wcs.h"

namespace otf {

DetectionOutcome detectionOutcome(const DetectionTask& task, int64_t plane) {
  const HeaderReview& header = task.header();
  const FitsInfo& image = header.info;
  DetectionOutcome outcome;
  outcome.image = image;
  outcome.plane = plane;
  outcome.pixelUnit = header.pixelUnit;
  outcome.unitFactor = header.unitFactor;
  outcome.detection = task.result();
  if (const auto& wcs = header.wcs; wcs) {
    const double x = 0.5 * static_cast<double>(image.width - 1);
    const double y = 0.5 * static_cast<double>(image.height - 1);
    outcome.projection = wcs->projection();
    outcome.centre = wcs->pixelToSky(x, y).value_or(SkyPosition{NAN, NAN});
    const auto jacobian = wcs->jacobian(x, y);
    outcome.pixelScaleDeg = jacobian ? jacobian->pixelScaleDeg() : NAN;
  }
  for (const ParameterSpec& parameter : task.config().parameters)
    outcome.parameterColumns.push_back(parameter.column);
  return outcome;
}

}  // namespace otf
