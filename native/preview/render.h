// Pictures of an image plane: tiles of a deep zoom, and whole ones.
//
//   level 0            one tile                     Row 0 of a picture and of its tiles is the top: the last FITS rows, as
//   ...                                             astronomers look at images. A pixel of a level is the mean of the finite
//   maxLevel           a pixel is a pixel           pixels it covers: blocks of 2^(maxLevel - level), counted from the top left.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "fits/fits.h"
#include "preview/colour.h"
#include "preview/overview.h"
#include "preview/stretch.h"

namespace otf::preview {

constexpr int kTilePx = 512;
constexpr int kLeastWholePx = 16, kMostWholePx = 8192;

/// How values become colours.
struct Look {
  Stretch stretch = Stretch::kAsinh;
  CutsChoice cuts;
  ColourMap colours = ColourMap::kGrey;
  Colour blank{0, 0, 0, 0};
};

/// Levels of a palette (colour.h), [height][width], the top row first. `step`: image pixels per picture pixel.
struct Picture {
  int width = 0, height = 0;
  int64_t step = 1;
  std::vector<uint8_t> levels;
};

/// Opens the image when pixels are needed that the overview does not have.
using OpenImage = std::function<FitsImage&()>;

/// The level that has every pixel; level 0 fits one tile.
int maxLevelOf(int64_t width, int64_t height);

struct TileAddress {
  int level = 0;
  int64_t x = 0, y = 0;
};

/// Tiles at the right and the bottom are smaller. Throws kInvalidArgument when there is no such tile; as FitsImage::readWindow,
/// Overview::cuts.
Picture renderTile(const OpenImage& open, const Overview& overview, const TileAddress& tile,
                   const Look& look);

/// The whole plane, its longest side at most maxPx (kLeastWholePx to kMostWholePx, else kInvalidArgument).
Picture renderWhole(const OpenImage& open, const Overview& overview, int64_t maxPx, const Look& look);

}  // namespace otf::preview
