// Which sources are fitted together.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "measure/fit.h"

namespace otf::measure {

/// Sources are together when they are nearer than twice this many standard deviations: one FWHM each, where a Gaussian has
/// fallen to a 16th.
constexpr double kLinkSigmas = kFwhmPerSigma;
/// More sources than this are not fitted together: the time grows with the cube.
constexpr size_t kMostTogether = 8;

struct Grouping {
  std::vector<std::vector<size_t>> groups;  // each source once, lowest index first
  std::vector<uint8_t> overlapped;          // 1: a brighter source of another group overlaps it
};

/// Sources that touch are together, the closest first, at most kMostTogether. `used[i]` 0 = left out.
Grouping groupSources(std::span<const Gaussian> sources, std::span<const uint8_t> used);

}  // namespace otf::measure
