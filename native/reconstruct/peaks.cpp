#include "reconstruct/peaks.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "error/error.h"

namespace otf {
namespace {

constexpr int64_t kAround = 2;

bool isTop(std::span<const float> map, int64_t width, int64_t height, int64_t x, int64_t y) {
  const float value = map[static_cast<size_t>(y * width + x)];
  for (int64_t j = std::max<int64_t>(0, y - kAround); j <= std::min(height - 1, y + kAround); ++j) {
    for (int64_t i = std::max<int64_t>(0, x - kAround); i <= std::min(width - 1, x + kAround); ++i) {
      const float other = map[static_cast<size_t>(j * width + i)];
      // Of equal ones the first: neither two peaks nor none.
      if (other > value || (other == value && (j < y || (j == y && i < x)))) return false;
    }
  }
  return true;
}

Peak peakAt(std::span<const float> map, int64_t width, int64_t height, int64_t px, int64_t py) {
  Peak peak{px, py, 0, 0, static_cast<double>(map[static_cast<size_t>(py * width + px)])};
  double sum = 0, sumX = 0, sumY = 0;
  for (int64_t j = std::max<int64_t>(0, py - 1); j <= std::min(height - 1, py + 1); ++j) {
    for (int64_t i = std::max<int64_t>(0, px - 1); i <= std::min(width - 1, px + 1); ++i) {
      const double value = std::max(0.0, static_cast<double>(map[static_cast<size_t>(j * width + i)]));
      sum += value;
      sumX += value * static_cast<double>(i - px);
      sumY += value * static_cast<double>(j - py);
    }
  }
  peak.x = static_cast<double>(px) + sumX / sum;
  peak.y = static_cast<double>(py) + sumY / sum;
  return peak;
}

}  // namespace

std::vector<Peak> findPeaks(std::span<const float> map, int64_t width, int64_t height, double threshold,
                            size_t most) {
  std::vector<Peak> out;
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const float value = map[static_cast<size_t>(y * width + x)];
      if (!(static_cast<double>(value) > threshold) || !isTop(map, width, height, x, y)) continue;
      if (out.size() == most) {
        throw OtfError(Code::kInvalidArgument,
                       "more than " + std::to_string(most) +
                           " peaks above the threshold: it is in the noise, give a higher one");
      }
      out.push_back(peakAt(map, width, height, x, y));
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const Peak& a, const Peak& b) { return a.value > b.value; });
  return out;
}

void rootSumSquare(const float* cube, int frames, int64_t pixels, float* out) {
  std::vector<double> sums(static_cast<size_t>(pixels), 0.0);
  for (int t = 0; t < frames; ++t) {
    const float* frame = cube + t * pixels;
    for (int64_t p = 0; p < pixels; ++p)
      sums[static_cast<size_t>(p)] += static_cast<double>(frame[p]) * static_cast<double>(frame[p]);
  }
  std::transform(sums.begin(), sums.end(), out,
                 [](double sum) { return static_cast<float>(std::sqrt(sum)); });
}

}  // namespace otf
