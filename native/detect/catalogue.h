// From boxes in tiles to sources on the sky (docs/detection.md, step 8).
#pragma once

#include <span>
#include <vector>

#include "detect/detector.h"
#include "detect/tiling.h"
#include "sky/wcs.h"

namespace otf {

/// Sources by objectness, highest first, ties by tile and then as listed. `wcs` and `beam` may be null: what
/// they would have given is then NaN, as it is for a source where the projection has no sky or the beam no
/// value. The beam is looked up by sky position and used from the calling thread only. The same for every number of `threads`.
std::vector<Source> makeCatalogue(const DetectorConfig& config, const TileLayout& layout,
                                  std::span<const std::vector<Box>> tiles, const Wcs* wcs, PrimaryBeam* beam,
                                  int threads);

}  // namespace otf
