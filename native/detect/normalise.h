// From physical pixel values to what the network was trained on (docs/detection.md, step 2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "detect/detector.h"

namespace otf {

/// The card's chain with every limit known; plain data, cheap to copy.
struct NormalisePlan {
  struct Operation {
    enum class Kind { kClip, kRescale, kScale, kSqrt, kLog1p, kTanh } kind = Kind::kScale;
    float a = 1, b = 0;  // kClip: min, max; kRescale: min, max - min; others: factor
  };
  std::vector<Operation> operations;
  std::vector<std::pair<double, double>> clipLimits;  // of each clip, in order; for provenance
};

/// One complete pass over the region's pixels, in pieces of any length, as raw values (NaN = blank).
using PixelSink = std::function<void(std::span<const float>)>;
using PixelPass = std::function<void(const PixelSink&)>;

/// What can be said of a chain without an image. Throws kDetectorConfig: limits out of order, a rescale
/// without a clip before it, a factor that is no number.
void checkNormalisation(std::span<const NormaliseStep> steps);

/// Some limits are those of the image's own pixels.
bool readsImage(std::span<const NormaliseStep> steps);

/// Limits of clip_percentile and clip_sigma are those of the finite values that reach the step (all pixels of
/// the region, after the steps before it); percentiles interpolate linearly between order statistics, as
/// numpy does. Exact, whatever the number of pixels, in a fixed 1 MiB: two passes per pair of percentiles,
/// four per clip_sigma. `pass` is called only when such a step is there. Throws as checkNormalisation, and
/// kImageBlank when no value is finite or the limits found coincide.
NormalisePlan resolveNormalisation(std::span<const NormaliseStep> steps, const PixelPass& pass);

/// Pixels that were seen; blanked: NaN, or without a normalised value (they became 0); zero: exactly 0 as read.
struct PixelCounts {
  int64_t pixels = 0, blanked = 0, zero = 0;
  PixelCounts& operator+=(const PixelCounts& other);
};

/// dst[i] = the chain applied to src[i], in float32 as numpy would; 0 where src is NaN or the result is not
/// finite. src == dst is allowed, other overlaps are not. Thread-safe; uses the widest vectors the CPU has.
PixelCounts applyNormalisation(const NormalisePlan& plan, const float* src, float* dst, size_t n);

/// The same without the last word: NaN and infinities stay what the chain made of them.
void applyOperations(const NormalisePlan& plan, const float* src, float* dst, size_t n);

}  // namespace otf
