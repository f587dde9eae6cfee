// Sources in the map of the detection statistic.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace otf {

struct Peak {
  int64_t px = 0, py = 0;  // of the pixel
  double x = 0, y = 0;     // where a Gaussian through the pixels beside it is largest, 0-based
  double value = 0;
};

/// Pixels that are the largest of the 5x5 around them and above `threshold`, brightest first (ties: the first in the
/// image). Throws kInvalidArgument for more than `most`: the threshold is in the noise.
std::vector<Peak> findPeaks(std::span<const float> map, int64_t width, int64_t height, double threshold,
                            size_t most);

/// Values alone of all such pixels, in the order of the image.
std::vector<float> peakValues(std::span<const float> map, int64_t width, int64_t height, double threshold);

/// Root of the largest sum of squares over `run` frames that follow one another (all, where there are no more):
/// cube[frames][pixels] to out[pixels].
void runRootSumSquare(const float* cube, int frames, int64_t pixels, int run, float* out);

}  // namespace otf
