// A source by the moments of its pixels, where no fit describes it.
#pragma once

#include "measure/fit.h"

namespace otf::measure {

/// Of the pixels above 0 around `start`; its peak stays. `beam`: the shape where the moments are none.
Gaussian momentsOf(const FitPixels& pixels, const Gaussian& start, const Covariance& beam);

/// Of pixels from which all else was taken: its peak is that of the beam at its place, and may be below 0.
Gaussian leftOver(const FitPixels& pixels, const Gaussian& start, const Covariance& beam);

}  // namespace otf::measure
