// Where a detection's peak is, about how wide it is, and which detections have one peak.
#pragma once

#include <span>
#include <vector>

#include "measure/bands.h"
#include "measure/measure.h"

namespace otf::measure {

/// A Gaussian to begin a fit with, above the background; and what was noticed around it.
struct Peak {
  Gaussian start;
  int64_t x = 0, y = 0;  // the pixel
  bool found = false;    // false: no pixel there, or none above the background
};

/// How far from its place a detection's peak is looked for and its width followed: pixels.
double peakReach(const Detection& detection);

/// The local maximum uphill from the brightest pixel near the place.
Peak findPeak(const Detection& detection, const NoiseMap& noise, const Window& window);

/// Of each peak the first one with the same maximum, as near as two maxima of this beam cannot be; -1 = none before it.
std::vector<int32_t> findDuplicates(std::span<const Detection> detections, std::span<const Peak> peaks);

}  // namespace otf::measure
