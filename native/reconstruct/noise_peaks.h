// How many peaks of a map of the detection statistic are noise: what the card says of empty cubes of the training is measured again on
// each cube, because the number depends on how many frames there are, on how far apart they are and on the PSF.
#pragma once

#include <cstdint>
#include <span>

namespace otf {

/// Peaks of noise in a map, above an SNR s: count * exp(-rate (s^2 - from^2)).
struct NoisePeaks {
  double scale = 1;  // the map is to be divided by it, so that SNR 5 is what it is in the training; >= 1
  bool isMeasured = false;               // false: too few peaks for it, the card's are expected
  double from = 0, count = 0, rate = 0;  // of the map before that

  /// To be expected above an SNR of the map after the division.
  double above(double snr) const;
  /// Where `peaks` are to be expected above it.
  double snrOf(double peaks) const;
};

/// From the peaks that a map has below the level of SNR 5 (0.1 peaks of noise per 64x64x32 voxels), of which few are sources.
/// `voxels`: pixels times frames.
NoisePeaks noisePeaks(std::span<const float> map, int64_t width, int64_t height, int64_t voxels);

}  // namespace otf
