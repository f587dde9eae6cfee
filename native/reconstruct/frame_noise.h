// The noise of a dirty frame, whatever sources are in it.
#pragma once

#include <cstdint>
#include <span>

namespace otf {

/// 1.4826 times the median absolute deviation from the median, without pixels further out than 5 of it, until nothing
/// changes; NaN pixels do not count. 0: all pixels are alike. NaN: every pixel is blank.
double frameNoise(std::span<const float> pixels);

}  // namespace otf
