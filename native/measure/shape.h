// Elliptical Gaussians by their axes and by their covariance; convolution adds covariances.
#pragma once

#include <optional>

#include "sky/gaussian.h"

namespace otf::measure {

/// Full widths at half maximum, in the unit of the plane they lie in; the major axis from +x towards +y, degrees.
struct Ellipse {
  double major = 0, minor = 0, angleDeg = 0;
};

struct Covariance {
  double xx = 0, xy = 0, yy = 0;

  double determinant() const { return xx * yy - xy * xy; }
  bool isPositive() const { return xx > 0 && yy > 0 && determinant() > 0; }
  /// Of what remains of a Gaussian that was convolved with `beam`.
  Covariance without(const Covariance& beam) const { return {xx - beam.xx, xy - beam.xy, yy - beam.yy}; }
};

Covariance covarianceOf(const Ellipse& ellipse);

/// Axes of a covariance; one whose variance is not positive is 0. The angle is in [0, 180).
Ellipse ellipseOf(const Covariance& covariance);

/// A linear map of the plane, e.g. pixels to degrees towards East and North.
struct Map {
  double xPerX = 1, xPerY = 0, yPerX = 0, yPerY = 1;

  double determinant() const { return xPerX * yPerY - xPerY * yPerX; }
  Map inverse() const;
  Covariance apply(const Covariance& from) const;
};

}  // namespace otf::measure
