// Keywords of another image that lies where this one does.
#pragma once

#include <string>
#include <vector>

#include "fits/fits.h"

namespace otf::sky {

/// All that Wcs::fromCards reads of the two axes (1-based), which become 1 and 2, as it reads it: the projection and its
/// parameters, the matrix in either spelling, the SIP distortion, the frame in today's and older keywords, of a keyword that is
/// there twice the last. `x`, `y`: where the first pixel of the new image is in this one.
std::vector<FitsKey> skyKeys(const std::string& cards, const int axes[2], int64_t x = 0, int64_t y = 0);

}  // namespace otf::sky
