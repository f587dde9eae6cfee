// What of the sky does not change: CLEAN of the mean of all frames. Taken out of every frame through that frame's PSF, so that
// a network is not shown sources far brighter than it was trained for, nor their sidelobes.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "reconstruct/clean.h"
#include "reconstruct/spectra.h"

namespace otf {

/// Fluxes in the cube's unit. Thread-safe.
class StaticSky {
 public:
  /// Reads the whole cube, as it is, once for each round: until what is taken away no longer makes frames quieter. They count by
  /// 1 / noise^2. The mean is cleaned down to a few times the noise of one frame: what is fainter the network sees itself, and a
  /// transient's own mean stays where it is. Throws kCancelled and as the
  /// readers.
  StaticSky(const CubePlanes& planes, double beamPx, int threads, const std::atomic<bool>* cancelled);

  /// One for each pixel that has any.
  const std::vector<CleanComponent>& components() const { return components_; }
  /// They through the reconstruction's Gaussian, [height][width].
  const std::vector<float>& image() const { return image_; }
  /// Subtracts them through the frame's PSF from its image.
  void takeFrom(const CubePlanes& planes, int frame, float* image) const;

 private:
  void add(const CubePlanes& planes, double beamPx, const std::vector<CleanComponent>& more);

  std::vector<CleanComponent> components_;
  std::vector<float> image_;
  Buffer spectrum_;  // of the components, Complex; empty where there are none
};

}  // namespace otf
