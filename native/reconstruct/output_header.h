// Headers of the images a reconstruction writes: where the cube is on the sky and in time.
#pragma once

#include <vector>

#include "fits/fits.h"
#include "reconstruct/cube_reader.h"

namespace otf {

/// Of a cube (t,y,x), or (f,t,y,x) of the bands of these frequencies when there are several. `beamPx`: FWHM of the Gaussian it is convolved
/// with, 0 = a dirty image. Frames that are not evenly spaced have the mean spacing in the axis: addTimes says more.
std::vector<FitsKey> cubeKeys(const CubeInfo& cube, double beamPx, const std::vector<double>& frequenciesHz);
/// The table TIMES (frame_times.h) behind a cube whose frames are not evenly spaced; nothing behind others.
void addTimes(const CubeInfo& cube, FitsImageWriter& image);
/// Of an image (y,x) without unit.
std::vector<FitsKey> mapKeys(const CubeInfo& cube);

}  // namespace otf
