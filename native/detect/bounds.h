// Which images are not searched.
#pragma once

#include "detect/normalise.h"
#include "detect/tiling.h"
#include "fits/fits.h"

namespace otf {

/// A small file may claim an image of any size: what it would take is refused before it is taken. Throws kImageTooLarge.
void requireBounds(const TileLayout& layout, const FitsInfo& info);

/// Throws kImageBlank when no pixel of these has a value other than 0.
void throwIfBlank(const PixelCounts& counts, const FitsInfo& info);

}  // namespace otf
