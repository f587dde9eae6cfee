// Headers of the images a reconstruction writes: where the cube is on the sky and in time.
#pragma once

#include <vector>

#include "fits/fits.h"
#include "reconstruct/cube_reader.h"

namespace otf {

/// Of a cube (t,y,x). `beamPx`: FWHM of the Gaussian it is convolved with, 0 = a dirty image. Frames that are not evenly
/// spaced have the mean spacing in the axis.
std::vector<FitsKey> cubeKeys(const CubeInfo& cube, double beamPx);
/// Of an image (y,x) without unit.
std::vector<FitsKey> mapKeys(const CubeInfo& cube);

}  // namespace otf
