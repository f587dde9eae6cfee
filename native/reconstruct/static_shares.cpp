#include "reconstruct/static_shares.h"

#include <cmath>
#include <cstddef>
#include <optional>

namespace otf {
namespace {

double distance(const MeasuredSource& source, const CleanComponent& it) {
  return std::hypot(source.x - static_cast<double>(it.x), source.y - static_cast<double>(it.y));
}

/// Of those found.
std::optional<size_t> ownerOf(const CleanComponent& it, double within,
                              const std::vector<MeasuredSource>& sources) {
  std::optional<size_t> owner;
  for (size_t k = 0; k < sources.size(); ++k) {
    const double away = sources[k].isComponent ? distance(sources[k], it) : within;
    if (away >= within) continue;
    within = away;
    owner = k;
  }
  return owner;
}

}  // namespace

std::vector<std::vector<CleanComponent>> staticShares(const StaticSky& sky, double beamPx, double samePx,
                                                      const std::vector<MeasuredSource>& sources) {
  std::vector<std::vector<CleanComponent>> out(sources.size());
  for (const CleanComponent& it : sky.components()) {
    const std::optional<size_t> owner = ownerOf(it, beamPx, sources);
    if (owner) out[*owner].push_back(it);
    for (size_t k = 0; k < sources.size(); ++k) {
      const MeasuredSource& position = sources[k];
      if (position.isComponent) continue;
      const bool isPart =
          owner ? std::hypot(sources[*owner].x - position.x, sources[*owner].y - position.y) < samePx
                : distance(position, it) < beamPx;
      if (isPart) out[k].push_back(it);
    }
  }
  return out;
}

}  // namespace otf
