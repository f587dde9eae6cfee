#include "measure/sky_values.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace otf::measure {
namespace {

constexpr double kArcsec = 3600;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// From an angle that East is 0 of to a position angle, and back.
double turned(double angleDeg) {
  const double angle = std::fmod(90 - angleDeg + 360, 180);
  return angle;
}

}  // namespace

std::optional<SkyMap> skyMapAt(const Wcs& wcs, double x, double y) {
  const auto local = wcs.jacobian(x, y);
  if (!local) return std::nullopt;
  const SkyMap map{{local->eastPerX * kArcsec, local->eastPerY * kArcsec, local->northPerX * kArcsec,
                    local->northPerY * kArcsec},
                   local->ownNorthDeg};
  if (!(std::abs(map.determinant()) > 0)) return std::nullopt;
  return map;
}

Covariance beamInPixels(const Beam& beam, const SkyMap& toSky) {
  const Ellipse onSky{beam.bmajDeg * kArcsec, beam.bminDeg * kArcsec,
                      turned(beam.bpaDeg + toSky.ownNorthDeg)};
  return toSky.inverse().apply(covarianceOf(onSky));
}

SkyValues skyValuesOf(const Measurement& measurement, const Wcs& wcs, const Map& toSky,
                      const Covariance& beamPx) {
  SkyValues values{kNaN, kNaN, kNaN, kNaN, {kNaN, kNaN, kNaN}, {kNaN, kNaN, kNaN}, {kNaN, kNaN, kNaN}, kNaN};
  const Gaussian& fit = measurement.fit;
  if (!std::isfinite(fit.x) || !std::isfinite(fit.y)) return values;
  if (const auto position = wcs.pixelToSky(fit.x, fit.y)) {
    values.raDeg = position->raDeg;
    values.decDeg = position->decDeg;
  }
  const Covariance place = toSky.apply(measurement.errors.place);
  values.raErrorArcsec = std::sqrt(place.xx);
  values.decErrorArcsec = std::sqrt(place.yy);
  const Covariance shape = toSky.apply(fit.shape);
  values.axes = ellipseOf(shape);
  values.axes.angleDeg = turned(values.axes.angleDeg);
  const double scale = std::sqrt(std::abs(toSky.determinant()));
  if (measurement.flags & kBeamShaped) {
    values.axesError = {kNaN, kNaN, kNaN};
  } else {
    values.axesError = {measurement.errors.major * scale, measurement.errors.minor * scale,
                        measurement.errors.angleDeg};
  }
  const Covariance beam = toSky.apply(beamPx);
  const Ellipse left = ellipseOf(shape.without(beam));
  if (measurement.resolved && left.major > 0) {
    values.intrinsic = {left.major, left.minor > 0 ? left.minor : kNaN, turned(left.angleDeg)};
  }
  // Of a source with the beam's shape the axis would have this error if it were free.
  const Ellipse beamAxes = ellipseOf(beam);
  const GaussianErrors free = condonErrors(fit, measurement.rms, beamPx, true);
  const double widest = values.axes.major + 2 * free.major * scale;
  values.majorLimit = std::sqrt(std::max(widest * widest - beamAxes.major * beamAxes.major, 0.0));
  return values;
}

}  // namespace otf::measure
