#include "detect/select.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace otf {
namespace {

constexpr double kEdgePenalty = 0.05, kEdgeFloor = 0.03;
constexpr double kMedianMarginPx = 5;

enum Plane { kX0, kY0, kX1 = 3, kY1 = 4, kProbability = 6, kObjectness = 7 };

/// Keeps the centre and makes the side at least `least`.
void widen(float& low, float& high, double least) {
  const double a = low, b = high;
  const double centre = (a + b) * 0.5, half = std::max(least, b - a) * 0.5;
  low = static_cast<float>(centre - half);
  high = static_cast<float>(centre + half);
}

/// The lowest median limit that applies to a box of this objectness; infinity when none does.
float applyingLimit(const DetectorConfig& config, float objectness) {
  float limit = std::numeric_limits<float>::infinity();
  for (size_t n = 0; n < config.medianLimit.size(); ++n) {
    if (objectness < config.medianObjectness[n]) limit = std::min(limit, config.medianLimit[n]);
  }
  return limit;
}

struct Window {
  int x0, y0, x1, y1;
  int64_t pixels() const { return int64_t{x1 - x0} * (y1 - y0); }
};

/// The two values in the middle of a window of which exactly half is above `limit`: mean as numpy takes it.
float medianAtHalf(float limit, const Window& window, const float* tile, int side) {
  float below = -std::numeric_limits<float>::infinity(), above = std::numeric_limits<float>::infinity();
  for (int y = window.y0; y < window.y1; ++y) {
    for (int x = window.x0; x < window.x1; ++x) {
      const float value = tile[int64_t{y} * side + x];
      if (value > limit) {
        above = std::min(above, value);
      } else {
        below = std::max(below, value);
      }
    }
  }
  return (below + above) * 0.5F;
}

/// Whether the median of the tile in the grown box is above `limit`. Counting tells, without sorting, unless
/// exactly half of the pixels are above. An empty window has no median, hence false.
bool medianAbove(float limit, const Box& box, const float* tile, int side) {
  const auto cut = [side](double edge) {
    return static_cast<int>(std::clamp(edge, 0.0, static_cast<double>(side)));
  };
  const Window window{cut(box.x0 - kMedianMarginPx), cut(box.y0 - kMedianMarginPx),
                      cut(box.x1 + kMedianMarginPx), cut(box.y1 + kMedianMarginPx)};
  if (window.x1 <= window.x0 || window.y1 <= window.y0) return false;
  int32_t above = 0;  // a tile has fewer than 2^31 pixels
  for (int y = window.y0; y < window.y1; ++y) {
    const float* row = tile + int64_t{y} * side;
    for (int x = window.x0; x < window.x1; ++x) above += row[x] > limit ? 1 : 0;
  }
  const int64_t twice = int64_t{above} * 2;
  return twice == window.pixels() ? medianAtHalf(limit, window, tile, side) > limit : twice > window.pixels();
}

bool isFinite(const Box& box) {
  return std::isfinite(box.x0) && std::isfinite(box.y0) && std::isfinite(box.x1) && std::isfinite(box.y1) &&
         std::isfinite(box.probability);
}

}  // namespace

bool onEdge(int32_t cell, int gridSide) {
  const int row = cell / gridSide, column = cell % gridSide;
  return row == 0 || column == 0 || row == gridSide - 1 || column == gridSide - 1;
}

float edgePenalised(float value) {
  return static_cast<float>(std::max(kEdgeFloor, static_cast<double>(value) - kEdgePenalty));
}

std::vector<Box> selectBoxes(const DetectorConfig& config, const YoloHead& head, int32_t tileNumber,
                             const float* tile, const float* output) {
  std::vector<Box> kept;
  const int grid = config.tilePx / config.gridElementPx;
  const int64_t cells = int64_t{grid} * grid;
  const int64_t boxStride = cells * head.planesPerBox();
  for (int32_t cell = 0; cell < cells; ++cell) {
    const bool edge = onEdge(cell, grid);
    for (int k = 0; k < head.boxes; ++k) {
      const float* values = output + k * boxStride + cell;
      const auto plane = [&](int p) { return values[p * cells]; };
      if (!std::isfinite(plane(kObjectness))) continue;
      const float objectness = edge ? edgePenalised(plane(kObjectness)) : plane(kObjectness);
      if (objectness < config.objectnessThreshold[static_cast<size_t>(k)]) continue;

      Box box{};
      box.x0 = plane(kX0), box.y0 = plane(kY0), box.x1 = plane(kX1), box.y1 = plane(kY1);
      box.probability = edge && std::isfinite(plane(kProbability)) ? edgePenalised(plane(kProbability))
                                                                   : plane(kProbability);
      box.objectness = objectness;
      box.prior = k, box.cell = cell, box.tile = tileNumber;
      widen(box.x0, box.x1, config.minBoxPx);
      widen(box.y0, box.y1, config.minBoxPx);
      if (!isFinite(box)) continue;
      const float limit = applyingLimit(config, objectness);
      if (std::isfinite(limit) && medianAbove(limit, box, tile, config.tilePx)) continue;
      for (int p = 0; p < head.parameters; ++p) {
        box.parameters[static_cast<size_t>(p)] = plane(8 + head.classes + p);
      }
      kept.push_back(box);
    }
  }
  return kept;
}

}  // namespace otf
