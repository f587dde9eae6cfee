// Which source the parts of a static sky belong to.
#pragma once

#include <vector>

#include "reconstruct/light_curves.h"
#include "reconstruct/static_sky.h"

namespace otf {

/// Components of `sky` that are part of each source: of those found, of the nearest one within `beamPx`; of a position given,
/// what the found source within `samePx` of it has, and what is nobody's within `beamPx`.
std::vector<std::vector<CleanComponent>> staticShares(const StaticSky& sky, double beamPx, double samePx,
                                                      const std::vector<MeasuredSource>& sources);

}  // namespace otf
