// What of the sky was searched, as a MOC: the pixels of a region that have a value and are in the mask.
#pragma once

#include <atomic>

#include "coverage/mask.h"
#include "coverage/moc.h"
#include "coverage/value_map.h"

namespace otf::coverage {

/// A cell belongs to it when its centre does: areas are right in the mean, edges to half a cell. Cells are about two pixels wide, or a
/// 2048th of the longer side if that is more. `mask` null = none; `cancel` may be null. Throws kMaskInvalid when nothing of the
/// region is on the sky, kCancelled.
Moc footprint(const Wcs& wcs, const ValueMap& values, const Mask* mask, const std::atomic<bool>* cancel);

}  // namespace otf::coverage
