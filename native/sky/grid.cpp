#include "sky/grid.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "sky/frame.h"

namespace otf::sky {
namespace {

constexpr int kCoarsest = 4, kFinest = 64;
/// Measured in the middle of cells; a hundredth of a pixel is promised everywhere.
constexpr double kWantedPx = 0.002;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

const SkyFrame kIcrs{"ICRS", 0, "RA/DEC"};

SkyGrid sampled(const Wcs& wcs, int64_t width, int64_t height, int cells) {
  SkyGrid grid;
  const auto longest = static_cast<double>(std::max(width, height));
  const auto cellsOf = [&](int64_t side) {
    return std::max(1, static_cast<int>(std::ceil(static_cast<double>(side) / longest * cells)));
  };
  const int cellsX = cellsOf(width), cellsY = cellsOf(height);
  grid.stepX = static_cast<double>(width) / cellsX;
  grid.stepY = static_cast<double>(height) / cellsY;
  grid.x0 = -0.5 - grid.stepX;
  grid.y0 = -0.5 - grid.stepY;
  grid.columns = cellsX + 3;
  grid.rows = cellsY + 3;
  std::vector<double> x, y;
  for (int j = 0; j < grid.rows; ++j) {
    for (int i = 0; i < grid.columns; ++i) {
      x.push_back(grid.x0 + i * grid.stepX);
      y.push_back(grid.y0 + j * grid.stepY);
    }
  }
  std::vector<double> ra(x.size()), dec(x.size());
  std::vector<uint8_t> ok(x.size());
  wcs.pixelToSky(x, y, ra, dec, ok);
  for (size_t node = 0; node < x.size(); ++node) {
    Vector3 v = {kNan, kNan, kNan};
    if (ok[node] != 0) {
      const SkyPosition icrs = toIcrs(wcs, {ra[node], dec[node]});
      v = unitVector(icrs.raDeg, icrs.decDeg);
    }
    grid.vectors.insert(grid.vectors.end(), v.begin(), v.end());
  }
  return grid;
}

/// In the middle of the cell whose first node is (i, j); nullopt beside what is off the sky.
std::optional<SkyPosition> middleOf(const SkyGrid& grid, int i, int j) {
  constexpr std::array<double, 4> kWeights = {-0.0625, 0.5625, 0.5625, -0.0625};
  Vector3 sum = {0, 0, 0};
  for (int r = 0; r < 4; ++r) {
    for (int c = 0; c < 4; ++c) {
      const double* node = grid.vectors.data() + 3 * ((j - 1 + r) * grid.columns + i - 1 + c);
      for (size_t k = 0; k < 3; ++k)
        sum[k] += kWeights[static_cast<size_t>(r)] * kWeights[static_cast<size_t>(c)] * node[k];
    }
  }
  if (std::isnan(sum[0])) return std::nullopt;
  return positionOf(sum);
}

struct Measured {
  double worstPx = 0;
  bool everywhere = true;  // no cell lies beside what is off the sky
};

Measured measure(const SkyGrid& grid, const Wcs& wcs) {
  Measured found;
  for (int j = 1; j + 2 < grid.rows; ++j) {
    for (int i = 1; i + 2 < grid.columns; ++i) {
      const std::optional<SkyPosition> icrs = middleOf(grid, i, j);
      if (!icrs) {
        found.everywhere = false;
        continue;
      }
      const auto pixel = wcs.skyToPixel(fromIcrs(wcs, *icrs));
      // No way back: whoever reads the grid must not trust it there.
      const double off = pixel ? std::hypot(pixel->first - (grid.x0 + (i + 0.5) * grid.stepX),
                                            pixel->second - (grid.y0 + (j + 0.5) * grid.stepY))
                               : std::numeric_limits<double>::infinity();
      found.worstPx = std::max(found.worstPx, off);
    }
  }
  return found;
}

}  // namespace

SkyPosition toIcrs(const Wcs& wcs, SkyPosition position) { return toFrame(position, wcs.frame(), kIcrs); }
SkyPosition fromIcrs(const Wcs& wcs, SkyPosition position) { return toFrame(position, kIcrs, wcs.frame()); }

SkyGrid skyGrid(const Wcs& wcs, int64_t width, int64_t height) {
  for (int cells = kCoarsest;; cells *= 2) {
    SkyGrid grid = sampled(wcs, width, height, cells);
    const Measured found = measure(grid, wcs);
    grid.maxErrorPx = found.worstPx;
    // Along the edge of the sky finer cells leave less without an answer.
    if ((found.worstPx <= kWantedPx && found.everywhere) || cells >= kFinest) return grid;
  }
}

}  // namespace otf::sky
