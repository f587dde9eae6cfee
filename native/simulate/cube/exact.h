// The exact way from sky to image: every source at every visibility, gridded with a Kaiser-Bessel kernel.
#pragma once

#include "simulate/cube/response.h"

namespace otf::simulate {

struct ExactImages {
  std::vector<float> dirty;  // [size][size]
  std::vector<float> psf;    // [2 size][2 size], peak at [size][size]
};

/// `noise`: rms of the dirty image, 0 = none. Source of the kernel: Beatty, Nishimura & Pauly 2005 (IEEE TMI 24, 799).
ExactImages exactImages(const CubeSpec& spec, const std::vector<CubeSource>& sources, int frame,
                        double noise);

}  // namespace otf::simulate
