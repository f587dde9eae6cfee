// What a group of sources is fitted to: where each begins, the beam, the noise and the pixels around them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "measure/bands.h"
#include "measure/errors.h"
#include "measure/fit.h"
#include "measure/measure.h"
#include "measure/noise_map.h"
#include "measure/peaks.h"
#include "measure/pixels.h"

namespace otf::measure {

/// What all groups of an image have; by the indices of its detections.
struct FitTask {
  const ImagePixels& image;
  const NoiseMap& noise;
  std::span<const Detection> detections;
  std::span<const Peak> peaks;
  Effort effort;
  double minSnr;
};

/// One group after the other.
struct GroupData {
  FitTask task;
  std::vector<Gaussian> starts = {};
  std::vector<Covariance> beams = {};
  std::vector<int32_t> flags = {};
  NoiseShape noiseShape = {};
  double rms = 0;  // of the noisiest one
  FitPixels pixels = {}, placePixels = {};

  /// Fills `out` with each one's background and noise.
  void begin(std::span<const size_t> group, std::vector<Measurement>& out);
  /// The pixels of their fit; flags what the edge or blank pixels cut.
  void collect(const Window& window);
  /// The pixels their places go by.
  void collectForPlaces(const Window& window);
};

}  // namespace otf::measure
