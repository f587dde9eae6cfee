// An axis of a header whose value grows by the same step from pixel to pixel.
// Source: WCS paper I, section 2.1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fits/fits.h"

namespace otf {

/// In the unit of the axis.
struct LinearAxis {
  double value = 0, pixel = 0, step = 1;  // value: at the pixel, which counts from 1
  double at(int64_t index) const { return value + (static_cast<double>(index) + 1 - pixel) * step; }
};

/// CRVAL, CRPIX and the step: the diagonal of CDi_j, else of PCi_j times CDELT, also as CD001001 and PC001001. Throws
/// kCubeInvalid where the matrix turns the axis into another one, or stretches it along that.
LinearAxis readLinearAxis(const FitsInfo& info, int axis, std::vector<std::string>& warnings);

/// Size of a pixel of the picture as CDELT or the matrix says it at the reference: square root of its area. nullopt: they, or a
/// unit of angles, are not there.
std::optional<double> cellDeg(std::string_view cards, const int axes[2]);

}  // namespace otf
