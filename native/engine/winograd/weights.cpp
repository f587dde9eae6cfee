#include "engine/winograd/weights.h"

#include <algorithm>
#include <cstring>

#include "engine/avx512/product.h"
#include "engine/cpu/bf16.h"
#include "engine/winograd/transform.h"

namespace otf::winograd {
namespace {

using avx512::kLine;
using avx512::kPanel;
using avx512::kQuad;

constexpr int kKernel = 9;  // values

int divided(int a, int b) { return (a + b - 1) / b; }

/// Where a channel stands in a row of points.
int placeIn(int channel) {
  for (int place = 0;; ++place) {
    if (channelAt(place) == channel) return place;
  }
}

}  // namespace

Weights::Weights(int channels, int filters, Values values, const float* plain, const float* bias)
    : channels_(channels),
      filters_(filters),
      panels_(divided(filters, kPanel)),
      values_(values),
      quads_(values == Values::kFloat ? channels : divided(channels, kShuffled) * kShuffled / 2),
      packed_(static_cast<size_t>(int64_t{kPoints} * panels_ * quads_ * kLine)) {
  bias_.assign(static_cast<size_t>(panels_) * kPanel, 0.0F);
  std::copy_n(bias, filters, bias_.begin());
  std::memset(packed_.data(), 0, packed_.bytes());
  for (int f = 0; f < filters; ++f) {
    for (int c = 0; c < channels; ++c) {
      const auto points = kernelPoints(plain + (int64_t{f} * channels + c) * kKernel);
      for (int p = 0; p < kPoints; ++p) {
        const auto weight = static_cast<float>(points[static_cast<size_t>(p)]);
        if (values_ == Values::kFloat) {
          std::memcpy(placeOf(p, f, c), &weight, sizeof(weight));
        } else {
          const Bf16 narrow = toBf16(weight);
          std::memcpy(placeOf(p, f, c), &narrow, sizeof(narrow));
        }
      }
    }
  }
}

const char* Weights::panel(int point, int panel) const {
  return static_cast<const char*>(packed_.data()) + (int64_t{point} * panels_ + panel) * quads_ * kLine;
}

char* Weights::placeOf(int point, int filter, int channel) {
  const int place =
      values_ == Values::kFloat ? channel : channel / kShuffled * kShuffled + placeIn(channel % kShuffled);
  const int64_t byte = place * strips::bytesOf(values_);
  return const_cast<char*>(panel(point, filter / kPanel)) + byte / kQuad * kLine + filter % kPanel * kQuad +
         byte % kQuad;
}

}  // namespace otf::winograd
