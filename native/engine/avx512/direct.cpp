#include "engine/avx512/direct.h"

#include <algorithm>
#include <cstring>

#include "engine/avx512/product.h"

namespace otf::avx512 {
namespace {

constexpr int64_t kFloat = sizeof(float);
constexpr int64_t kLine = 64;
// Of the source: read again for every panel, beside which it has to stay in the second-level cache.
constexpr int64_t kSliceBytes = 640 << 10;

/// Values of a copied row: what the kernel reads for `width` output pixels.
int64_t copiedValues(const Geometry& g, int width) {
  const int64_t values = (int64_t{width - 1} * g.strideW + g.kernelW) * g.channels;
  return (values * kFloat + kLine - 1) / kLine * kLine / kFloat;
}

/// Row `y` of the map with zeros where it has none; `pixels` of all channels.
void copyRow(const Geometry& g, const strips::Map& source, int y, int pixels, float* to) {
  const int64_t c = g.channels;
  if (y < 0 || y >= source.height) {
    std::fill_n(to, pixels * c, 0.0F);
    return;
  }
  const int left = std::min(g.padW, pixels);
  const int inside = std::min(source.width, pixels - left);
  std::fill_n(to, left * c, 0.0F);
  std::memcpy(to + left * c, source.data + int64_t{y} * source.width * c * kFloat,
              static_cast<size_t>(inside * c * kFloat));
  std::fill_n(to + (left + inside) * c, (pixels - left - inside) * c, 0.0F);
}

}  // namespace

DirectWeights::DirectWeights(const Geometry& geometry, const float* plain, const float* bias)
    : geometry_(geometry),
      panels_((geometry.filters + kPanel - 1) / kPanel),
      packed_(static_cast<size_t>(int64_t{panels_} * geometry.kernelH * geometry.kernelW * geometry.channels *
                                  kPanel * kFloat)) {
  const Geometry& g = geometry_;
  bias_.assign(static_cast<size_t>(panels_) * kPanel, 0.0F);
  std::copy_n(bias, g.filters, bias_.begin());
  std::memset(packed_.data(), 0, packed_.bytes());
  const int taps = g.kernelH * g.kernelW;
  for (int f = 0; f < g.filters; ++f) {
    float* const to = packed_.floats() + int64_t{f / kPanel} * taps * g.channels * kPanel + f % kPanel;
    for (int tap = 0; tap < taps; ++tap) {
      for (int c = 0; c < g.channels; ++c)
        to[(int64_t{tap} * g.channels + c) * kPanel] = plain[(int64_t{f} * g.channels + c) * taps + tap];
    }
  }
}

const float* DirectWeights::panel(int panel) const {
  return packed_.floats() + int64_t{panel} * geometry_.kernelH * depth() * kPanel;
}

int64_t DirectLayer::scratchBytes(int, int rows, int width) const {
  const Geometry& g = geometry();
  if (g.padW == 0 && g.padH == 0) return 0;
  return (int64_t{rows - 1} * g.strideH + g.kernelH) * copiedValues(g, width) * kFloat;
}

void DirectLayer::run(const strips::Map& source, int from, int rows, int width, char* scratch,
                      const strips::Target& target) const {
  const Geometry& g = geometry();
  const auto* first = reinterpret_cast<const float*>(source.data);
  int64_t row = int64_t{source.width} * g.channels;
  first += int64_t{from} * g.strideH * row;
  if (g.padW != 0 || g.padH != 0) {
    auto* const copy = reinterpret_cast<float*>(scratch);
    row = copiedValues(g, width);
    for (int y = 0; y < (rows - 1) * g.strideH + g.kernelH; ++y)
      copyRow(g, source, from * g.strideH - g.padH + y, (width - 1) * g.strideW + g.kernelW, copy + y * row);
    first = copy;
  }
  const int64_t pixel = int64_t{g.strideW} * g.channels;
  const int slice = static_cast<int>(std::max<int64_t>(1, kSliceBytes / (row * g.strideH * kFloat)));
  for (int begin = 0; begin < rows; begin += slice) {
    const int end = std::min(rows, begin + slice);
    for (int panel = 0; panel < weights_->panels(); ++panel) {
      const int filter = panel * kPanel;
      const Finish finish{weights_->bias() + filter, epilogue_, std::min(kPanel, g.filters - filter)};
      for (int y = begin; y < end; ++y) {
        const Taps taps{first + y * g.strideH * row, pixel, row, g.kernelH, weights_->depth()};
        auto* const to = reinterpret_cast<float*>(target.first + y * target.row) + filter;
        multiplyPixels(taps, width, weights_->panel(panel), finish, to, target.pixel / kFloat);
      }
    }
  }
}

}  // namespace otf::avx512
