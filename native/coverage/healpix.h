// Cells of HEALPix in the nested numbering, which MOCs count by, through chealpix.
// Source: Gorski et al. 2005, ApJ 622, 759.
#pragma once

#include <cstdint>

#include "sky/frame.h"

namespace otf::coverage {

/// Of the smallest cells of a MOC: 0.4 milliarcseconds.
constexpr int kMostOrder = 29;

constexpr int64_t cellsOf(int order) { return int64_t{12} << (2 * order); }

/// Of the order, around a direction of any length but zero.
int64_t cellAt(int order, const sky::Vector3& direction);
sky::Vector3 centreOf(int order, int64_t cell);

/// No point of a cell of the order is further from the cell's centre; radians.
double cellRadius(int order);
double cellAreaDeg2(int order);

/// Angle between directions of any length, radians.
double separation(const sky::Vector3& a, const sky::Vector3& b);

}  // namespace otf::coverage
