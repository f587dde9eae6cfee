// Fits of groups of sources to the pixels around them.
#pragma once

#include <span>
#include <vector>

#include "measure/group_data.h"
#include "measure/groups.h"

namespace otf::measure {

/// Writes the measurements of the members of these groups. At most kMostTogether of each; `window` holds their extents.
void fitGroups(const FitTask& task, const Grouping& grouping, std::span<const size_t> groups,
               const Window& window, std::vector<Measurement>& out);
/// Their peaks alone, where they are and as their starts are shaped.
void fitGroupsInPlace(const FitTask& task, const Grouping& grouping, std::span<const size_t> groups,
                      const Window& window, std::vector<Measurement>& out);

}  // namespace otf::measure
