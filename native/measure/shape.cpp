#include "measure/shape.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace otf::measure {

Covariance covarianceOf(const Ellipse& ellipse) {
  const double angle = ellipse.angleDeg * std::numbers::pi / 180, c = std::cos(angle), s = std::sin(angle);
  const double major = ellipse.major * ellipse.major / (kFwhmPerSigma * kFwhmPerSigma);
  const double minor = ellipse.minor * ellipse.minor / (kFwhmPerSigma * kFwhmPerSigma);
  return {major * c * c + minor * s * s, (major - minor) * c * s, major * s * s + minor * c * c};
}

Ellipse ellipseOf(const Covariance& covariance) {
  const double mean = (covariance.xx + covariance.yy) / 2;
  const double half = std::hypot((covariance.xx - covariance.yy) / 2, covariance.xy);
  double angle = 0.5 * std::atan2(2 * covariance.xy, covariance.xx - covariance.yy) * 180 / std::numbers::pi;
  if (angle < 0) angle += 180;
  if (angle >= 180) angle -= 180;
  return {kFwhmPerSigma * std::sqrt(std::max(mean + half, 0.0)),
          kFwhmPerSigma * std::sqrt(std::max(mean - half, 0.0)), angle};
}

Map Map::inverse() const {
  const double d = determinant();
  return {yPerY / d, -xPerY / d, -yPerX / d, xPerX / d};
}

Covariance Map::apply(const Covariance& from) const {
  const double a = xPerX * from.xx + xPerY * from.xy, b = xPerX * from.xy + xPerY * from.yy;
  const double c = yPerX * from.xx + yPerY * from.xy, d = yPerX * from.xy + yPerY * from.yy;
  return {a * xPerX + b * xPerY, a * yPerX + b * yPerY, c * yPerX + d * yPerY};
}

}  // namespace otf::measure
