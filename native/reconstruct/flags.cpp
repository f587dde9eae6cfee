#include "reconstruct/flags.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace otf {
namespace {

/// Local over frame: the local one is of some 1,700 pixels, good to a few per cent.
constexpr double kNoisier = 1.5;

int32_t pointFlags(const MeasuredSource& it, size_t frame, double sigma) {
  return (std::isfinite(it.flux[frame]) ? 0 : kPixelBlank) |
         (it.localRms[frame] > kNoisier * sigma ? kDisturbed : 0);
}

bool isAtEdge(const MeasuredSource& it, const CubeInfo& cube, double within) {
  const double left = std::min(it.x, it.y), right = std::min(static_cast<double>(cube.width - 1) - it.x,
                                                             static_cast<double>(cube.height - 1) - it.y);
  return std::min(left, right) < within;
}

bool isTooBright(const ReconstructedSource& row, const ReconstructorConfig& config) {
  const double error = row.measured.fluxError[static_cast<size_t>(row.peakFrame)];
  return config.peakSnrMax > 0 && row.peakFlux - row.measured.staticFlux > config.peakSnrMax * error;
}

}  // namespace

void flagSources(const CubeInfo& cube, const std::vector<double>& sigmas, const ReconstructorConfig& config,
                 ReconstructMethod method, std::vector<ReconstructedSource>& sources) {
  for (ReconstructedSource& row : sources) {
    const MeasuredSource& it = row.measured;
    row.pointFlags.resize(sigmas.size());
    bool isBlank = false;
    for (size_t t = 0; t < sigmas.size(); ++t) {
      row.pointFlags[t] = pointFlags(it, t, sigmas[t]);
      isBlank = isBlank || (row.pointFlags[t] & kPixelBlank) != 0;
    }
    row.flags = (row.nearestPx < config.beamPx ? kNeighbourInBeam : 0) |
                (isAtEdge(it, cube, config.beamPx) ? kEdgeInBeam : 0) | (isBlank ? kSomeFramesBlank : 0) |
                (method == ReconstructMethod::kNetwork && isTooBright(row, config) ? kBeyondTraining : 0);
  }
}

}  // namespace otf
