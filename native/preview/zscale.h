// Cuts and quantiles from samples of an image.
#pragma once

#include <optional>
#include <span>

#include "preview/stretch.h"

namespace otf::preview {

/// At most so many pixels decide zscale.
constexpr int64_t kZscaleSamples = 1000;

/// IRAF's zscale as astropy.visualization.ZScaleInterval computes it (contrast 0.25, at most half of the pixels rejected,
/// at least 5 left, 2.5 sigma, 5 iterations). `sorted`: finite pixels, ascending, at most kZscaleSamples of them; nullopt
/// when there are none. Source: IRAF, images/tv/display/zscale (Valdes 1984).
std::optional<Cuts> zscale(std::span<const float> sorted);

/// The share-quantile of sorted values by linear interpolation (numpy.percentile); not empty, share in [0,1].
double quantile(std::span<const float> sorted, double share);

}  // namespace otf::preview
