// A table of mock sources for the quality of a detection.
#pragma once

#include <vector>

#include "addon/object.h"
#include "detect/quality/mocks.h"

namespace otf::addon {

/// Rows with a positive flux and sizes that are none below 0. `unit`: of the measured peaks. Throws as readCatalogue,
/// kTableColumn, kUnitMismatch, kInvalidArgument for a table without such rows.
std::vector<quality::MockKind> readMockKinds(const ImageChoice& file, const std::string& unit);

}  // namespace otf::addon
