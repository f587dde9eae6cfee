#include <algorithm>
#include <limits>

#include "engine/onednn/kernels.h"

namespace otf::onednn {

ChannelRanges channelRanges(const float* data, const Layout& layout) {
  constexpr float kMost = std::numeric_limits<float>::max();
  const auto channels = static_cast<size_t>(layout.channels);
  ChannelRanges ranges{std::vector<float>(channels, kMost), std::vector<float>(channels, -kMost)};
#pragma omp parallel for
  for (int c = 0; c < layout.channels; ++c) {
    float low = kMost;
    float high = -kMost;
    for (int n = 0; n < layout.batch; ++n) {
      for (int64_t i = 0; i < layout.map; ++i) {
        // Comparisons that NaN fails: it is in no range.
        const float value = data[layout.offset(n, c, i)];
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
    ranges.low[static_cast<size_t>(c)] = std::clamp(low, -kMost, 0.0F);
    ranges.high[static_cast<size_t>(c)] = std::clamp(high, 0.0F, kMost);
  }
  return ranges;
}

}  // namespace otf::onednn
