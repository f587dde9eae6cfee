// Exact order statistics of more floats than memory holds.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "detect/normalise.h"

namespace otf {

/// The percentiles (0..100) of the finite values of a stream, linearly interpolated between order statistics
/// as numpy.percentile does. `pass` is run twice and must give the same values both times; 1 MiB whatever
/// their number. Empty result: no finite value.
std::vector<double> exactPercentiles(const PixelPass& pass, std::span<const double> percentiles);

}  // namespace otf
