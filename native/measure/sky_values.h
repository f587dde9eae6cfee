// Beams in the pixels of an image, and measurements on its sky.
#pragma once

#include <optional>

#include "fits/fits.h"
#include "measure/measure.h"
#include "sky/wcs.h"

namespace otf::measure {

/// Arcsec towards East and North per pixel.
struct SkyMap : Map {
  double ownNorthDeg = 0;  // position angle of the North of the image's own axes
};

/// At a place. nullopt off the sky.
std::optional<SkyMap> skyMapAt(const Wcs& wcs, double x, double y);

/// The beam in pixels where the map holds. BPA counts from the North of the image's own axes, through East.
Covariance beamInPixels(const Beam& beam, const SkyMap& toSky);

/// One measurement on the sky; NaN = unknown. Arcsec, degrees; axes are FWHM, angles North through East in [0, 180).
struct SkyValues {
  double raDeg, decDeg, raErrorArcsec, decErrorArcsec;
  Ellipse axes, axesError;  // as fitted
  Ellipse
      intrinsic;  // without the beam; an axis that is not resolved is NaN, and the angle with the major one
  double
      majorLimit;  // two sigma above the fitted major axis, without the beam: an upper limit where it is not resolved
};

/// `toSky` at the detection.
SkyValues skyValuesOf(const Measurement& measurement, const Wcs& wcs, const Map& toSky,
                      const Covariance& beamPx);

}  // namespace otf::measure
