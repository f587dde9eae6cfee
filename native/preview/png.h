// Pictures as PNG files (W3C PNG, ISO/IEC 15948), by libpng.
#pragma once

#include <cstddef>
#include <vector>

#include "preview/colour.h"
#include "preview/marks.h"
#include "preview/render.h"

namespace otf::preview {

/// Eight bits a pixel, with the palette in the file. Throws kInternal with libpng's own words.
std::vector<std::byte> pngOf(const Picture& picture, const Palette& palette);

/// Eight bits a colour; with alpha only where something is not opaque.
std::vector<std::byte> pngOf(const ColourPicture& picture);

}  // namespace otf::preview
