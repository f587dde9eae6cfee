// Pixels to positions on the sky for whoever has no wcslib: nodes to interpolate between.
#pragma once

#include <cstdint>
#include <vector>

#include "sky/wcs.h"

namespace otf::sky {

/// Unit vectors towards ICRS positions: node (i, j) is the position of the 0-based pixel (x0 + i*stepX, y0 + j*stepY), at
/// vectors[3 * (j * columns + i)]; three NaN where the projection has no sky. The nodes span the image's outer edges and one
/// step more on each side. Between the four nodes of a cell: cubic Lagrange interpolation over the 4x4 nodes around it.
struct SkyGrid {
  double x0 = 0, y0 = 0, stepX = 1, stepY = 1;
  int columns = 0, rows = 0;
  std::vector<double> vectors;
  /// The largest distance in pixels between a position interpolated in the middle of a cell and the pixel wcslib has for it.
  double maxErrorPx = 0;
};

/// As fine as is needed for a hundredth of a pixel (with a margin), or as fine as it may be: maxErrorPx tells.
SkyGrid skyGrid(const Wcs& wcs, int64_t width, int64_t height);

/// In ICRS, whatever the frame of the image.
SkyPosition toIcrs(const Wcs& wcs, SkyPosition position);
SkyPosition fromIcrs(const Wcs& wcs, SkyPosition position);

}  // namespace otf::sky
