// Is a cube such as the network was trained for? What is not is told, and never refused: users may know better.
#pragma once

#include <string>
#include <vector>

#include "reconstruct/band.h"
#include "reconstruct/catalogue_row.h"
#include "reconstruct/config.h"

namespace otf {

/// One line for each range of the card an observation is outside of: width and sidelobes of the PSF, number and spacing of frames, evenness
/// of both time and noise.
std::vector<std::string> observationWarnings(const Band& band, const ReconstructorConfig& config);

/// These, and what there is to say of the fluxes of the sources that were found in it.
std::vector<std::string> trainedRangeWarnings(const Band& band,
                                              const std::vector<ReconstructedSource>& sources,
                                              const ReconstructorConfig& config);

}  // namespace otf
