// Two Gaussians where there may be one.
#pragma once

#include <cstddef>
#include <span>

#include "measure/fit.h"

namespace otf::measure {

/// The brighter stays.
struct DoublePair {
  size_t stays = 0, goes = 0;
};

/// The closest two that are nearer than `limit`; both the same: there are none.
DoublePair closestPair(std::span<const Gaussian> fits, double limit);

/// One Gaussian with the moments of both.
Gaussian joined(const Gaussian& a, const Gaussian& b);

/// Of what the Gaussians leave of the pixels.
double sumOfSquares(const FitPixels& pixels, std::span<const Gaussian> fits);

}  // namespace otf::measure
