#include "measure/group_data.h"

#include <algorithm>
#include <cmath>

#include "measure/reach.h"

namespace otf::measure {

void GroupData::begin(std::span<const size_t> group, std::vector<Measurement>& out) {
  starts.clear();
  beams.clear();
  flags.assign(group.size(), group.size() > 1 ? kBlended : 0);
  rms = 0;
  for (const size_t i : group) {
    starts.push_back(task.peaks[i].start);
    beams.push_back(task.detections[i].beam);
    const NoiseMap::Value local = task.noise.at(task.peaks[i].start.x, task.peaks[i].start.y);
    out[i].background = local.background;
    out[i].rms = local.rms;
    rms = std::max(rms, local.rms);
  }
  noiseShape = measure::noiseShape(task.noise.correlation(), beams.front());
}

void GroupData::collect(const Window& window) {
  Extent2 all = extentWithin(kFitSigmas, starts.front());
  for (size_t k = 0; k < starts.size(); ++k) {
    const Extent2 one = extentWithin(kFitSigmas, starts[k]);
    all.include(one);
    const bool cut =
        one.left < 0 || one.bottom < 0 || one.right >= task.image.width || one.top >= task.image.height;
    if (cut) flags[k] |= kEdge;
  }
  const auto isWanted = [&](double x, double y) {
    return std::ranges::any_of(starts, [&](const Gaussian& start) { return reaches(start, x, y); });
  };
  const auto blank = [&](double x, double y) {
    for (size_t k = 0; k < starts.size(); ++k) {
      if (reaches(starts[k], x, y)) flags[k] |= kBlankNear;
    }
  };
  gather(window, task.noise, all, 1, isWanted, blank, pixels);
}

void GroupData::collectForPlaces(const Window& window) {
  Extent2 all = extentOf(starts.front());
  for (const Gaussian& start : starts) all.include(extentOf(start));
  const auto isWanted = [&](double x, double y) {
    for (size_t k = 0; k < starts.size(); ++k) {
      if (reachesForPlace(starts[k], beams[k], x, y)) return true;
    }
    return false;
  };
  gather(window, task.noise, all, placeStride(beams.front()), isWanted, [](double, double) {}, placePixels);
}

}  // namespace otf::measure
