#include "reconstruct/peaks.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
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

/// Of the largest of three values at -1, 0 and 1: where a Gaussian through them is largest, which is what a point is in the
/// reconstruction; where there is none (a value that is not positive, two that are equal), their centroid.
double middleOf(double before, double top, double after) {
  if (before > 0 && after > 0 && (before < top || after < top)) {
    const double left = std::log(before / top), right = std::log(after / top);
    return std::clamp((right - left) / (-2 * (left + right)), -0.5, 0.5);
  }
  const double a = std::max(0.0, before), b = std::max(0.0, after);
  return (b - a) / (a + top + b);
}

Peak peakAt(std::span<const float> map, int64_t width, int64_t height, int64_t px, int64_t py) {
  // Beyond the edge there is nothing.
  const auto at = [&](int64_t x, int64_t y) {
    return x < 0 || y < 0 || x >= width || y >= height
               ? 0.0
               : static_cast<double>(map[static_cast<size_t>(y * width + x)]);
  };
  const double top = at(px, py);
  return {px, py, static_cast<double>(px) + middleOf(at(px - 1, py), top, at(px + 1, py)),
          static_cast<double>(py) + middleOf(at(px, py - 1), top, at(px, py + 1)), top};
}

}  // namespace

std::vector<float> peakValues(std::span<const float> map, int64_t width, int64_t height, double threshold) {
  std::vector<float> out;
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const float value = map[static_cast<size_t>(y * width + x)];
      if (static_cast<double>(value) > threshold && isTop(map, width, height, x, y)) out.push_back(value);
    }
  }
  return out;
}

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

void runRootSumSquare(const float* cube, int frames, int64_t pixels, int run, float* out) {
  constexpr int64_t kBlock = 4096;  // pixels whose sums fit the first cache
  std::vector<double> sums(kBlock), largest(kBlock);
  const auto square = [](float v) { return static_cast<double>(v) * static_cast<double>(v); };
  for (int64_t from = 0; from < pixels; from += kBlock) {
    const auto count = static_cast<size_t>(std::min(kBlock, pixels - from));
    std::fill(sums.begin(), sums.end(), 0.0);
    std::fill(largest.begin(), largest.end(), 0.0);
    for (int t = 0; t < frames; ++t) {
      const float* frame = cube + t * pixels + from;
      const float* left = t < run ? nullptr : frame - run * pixels;
      for (size_t p = 0; p < count; ++p) {
        sums[p] += square(frame[p]) - (left ? square(left[p]) : 0);
        largest[p] = std::max(largest[p], sums[p]);
      }
    }
    std::transform(largest.begin(), largest.begin() + static_cast<std::ptrdiff_t>(count), out + from,
                   [](double sum) { return static_cast<float>(std::sqrt(sum)); });
  }
}

}  // namespace otf
