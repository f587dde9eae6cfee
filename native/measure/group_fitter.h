// Fits of groups of sources to the pixels around them.
#pragma once

#include <span>
#include <vector>

#include "measure/bands.h"
#include "measure/groups.h"
#include "measure/measure.h"
#include "measure/peaks.h"

namespace otf::measure {

/// What all groups of an image have; by the indices of its detections.
struct FitTask {
  const ImagePixels& image;
  const NoiseMap& noise;
  std::span<const Detection> detections;
  std::span<const Peak> peaks;
  Effort effort;
  double minSnr;
};

/// Writes the measurements of the members of these groups. At most kMostTogether of each; `window` holds their extents.
void fitGroups(const FitTask& task, const Grouping& grouping, std::span<const size_t> groups,
               const Window& window, std::vector<Measurement>& out);
/// Their peaks alone, where they are and as their starts are shaped.
void fitGroupsInPlace(const FitTask& task, const Grouping& grouping, std::span<const size_t> groups,
                      const Window& window, std::vector<Measurement>& out);

}  // namespace otf::measure
