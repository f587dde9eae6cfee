// Maps of background and noise that come with an image, in place of those the measurement makes (docs/measurement.md).
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "detect/detector.h"
#include "detect/header_review.h"
#include "fits/fits.h"
#include "measure/given_map.h"

namespace otf {

/// A map of the whole image, or, placed by its WCS, of a part of it that holds `region`. Its values are turned into `unit`,
/// that of the measured values; one that says no unit has that of the image's pixels, as a warning then tells.
/// `cancel` ends reads soon, and outlives them. Throws kMapMismatch, kUnitMismatch, and as FitsImage::open.
std::shared_ptr<const measure::GivenMap> openGivenMap(const std::string& path, const FitsSelect& select,
                                                      const HeaderReview& image, const Region& region,
                                                      const std::string& unit,
                                                      const std::atomic<bool>* cancel,
                                                      std::vector<std::string>& warnings);

}  // namespace otf
