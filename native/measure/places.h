// Places of fitted sources from pixels whose noise is correlated.
#pragma once

#include <span>
#include <vector>

#include "measure/correlation.h"
#include "measure/errors.h"
#include "measure/fit.h"

namespace otf::measure {

/// Places by generalised least squares, from where a fit of the same sources ended: weights are those of the inverse covariance of
/// the noise, peaks and shapes are let free in each step and then stay the fit's. `errors` of places become (J' N^-1 J)^-1.
/// False: nothing is changed, for there are too few pixels or too many, or a place went further than the fit's errors let it.
bool refinePlaces(const FitPixels& pixels, std::span<Gaussian> gaussians, std::span<const bool> freeShape,
                  double rms, const NoiseShape& noise, std::span<GaussianErrors> errors);

}  // namespace otf::measure
