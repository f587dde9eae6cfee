// Where simulated sources stand and how they change.
#pragma once

#include <vector>

#include "simulate/cube/cube.h"

namespace otf::simulate {

/// Those of the spec, or drawn ones: transients first, then steady ones. Light curves are apparent: the primary beam counts.
std::vector<CubeSource> drawCubeSources(const CubeSpec& spec);

/// Gaussian primary beam of the array's median dish, 1 in the middle; FWHM 1.2 wavelengths / diameter.
double beamAttenuation(const CubeSpec& spec, double x, double y);

}  // namespace otf::simulate
