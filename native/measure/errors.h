// What noise does to a fitted Gaussian.
#pragma once

#include <span>
#include <vector>

#include "measure/correlation.h"
#include "measure/fit.h"
#include "measure/shape.h"

namespace otf::measure {

/// Standard deviations; of the place the covariance; axes in pixels (FWHM); of flux and area relative to themselves.
struct GaussianErrors {
  double peak = 0;
  Covariance place;
  double major = 0, minor = 0, angleDeg = 0;
  double flux = 0;  // of peak times area
  double area = 0;
};

/// Integrated flux over peak: the area in beams.
double areaRatio(const Covariance& shape, const Covariance& beam);
/// A source is resolved when its area is above the beam's by more than an error (in the logarithm).
bool isResolved(const Gaussian& fit, const Covariance& beam, const GaussianErrors& errors);

/// Of sources that were fitted together to these pixels: what noise of deviation `rms` and of that correlation
/// does to the least-squares solution, C = (J'J)^-1 J' N J (J'J)^-1 (with J the derivatives of the
/// model and N the noise's covariance). It is exact to first order for the pixels that were used, and counts what neighbours
/// cost. Empty: the derivatives have no one solution. A shape that was not free has no errors of its own (0), nor has a place
/// that is known.
std::vector<GaussianErrors> fitErrors(const FitPixels& pixels, std::span<const Gaussian> gaussians,
                                      std::span<const bool> freeShape, double rms, const NoiseShape& noise,
                                      bool placesKnown = false);

/// The same of a lone source by the formulas of Condon 1997, PASP 109, 166 (equations 21 and 40 to 42), where there was no fit.
GaussianErrors condonErrors(const Gaussian& gaussian, double rms, const Covariance& beam, bool freeShape);

}  // namespace otf::measure
