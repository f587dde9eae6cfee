// Region files of SAOImage DS9, as text. Source: SAOImage DS9 reference manual, "Regions".
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace otf::coverage {

enum class RegionFrame { kImage, kPhysical, kIcrs, kFk5, kFk4, kGalactic };

/// As it is written: pixels count from 1, angles and sizes on the sky are degrees. An area, so no points, lines or texts.
struct RegionShape {
  enum class Kind { kCircle, kEllipse, kBox, kPolygon } kind = Kind::kCircle;
  RegionFrame frame = RegionFrame::kPhysical;
  bool isExcluded = false;
  /// x, y or longitude, latitude: the centre, or the corners of a polygon.
  std::vector<std::pair<double, double>> points;
  /// Radii, or sides of a box; the first is the hole when there are two, and those between tell nothing of the area.
  std::vector<std::pair<double, double>> sizes;
  double angleDeg = 0;
  int64_t line = 0;
};

struct RegionFile {
  std::vector<RegionShape> shapes;
  /// Points, lines, texts: they have no area.
  int64_t withoutArea = 0;
};

constexpr size_t kMostShapes = 10'000, kMostCorners = 200'000;

/// Throws kMaskInvalid, saying in which line.
RegionFile readRegions(const std::string& text, const std::string& label);

}  // namespace otf::coverage
