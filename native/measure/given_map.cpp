#include "measure/given_map.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace otf::measure {
namespace {

constexpr int64_t kBandRows = 64;
constexpr int64_t kKeptBytes = int64_t{64} << 20;
/// Fits of one band of rows look into those beside it.
constexpr int64_t kFewestBands = 4, kMostBands = 32;

}  // namespace

GivenMap::GivenMap(ImagePixels map, int64_t x, int64_t y) : map_(std::move(map)), x_(x), y_(y) {
  const int64_t bandBytes = kBandRows * map_.width * static_cast<int64_t>(sizeof(float));
  bands_.resize(static_cast<size_t>(std::clamp(kKeptBytes / bandBytes, kFewestBands, kMostBands)));
}

double GivenMap::at(double x, double y) const {
  if (!std::isfinite(x) || !std::isfinite(y)) return std::nan("");
  const auto nearest = [](double at, int64_t first, int64_t length) {
    return static_cast<int64_t>(
        std::lround(std::clamp(at - static_cast<double>(first), 0.0, static_cast<double>(length - 1))));
  };
  const int64_t column = nearest(x, x_, map_.width), row = nearest(y, y_, map_.height);
  const int64_t number = row / kBandRows;
  const std::lock_guard guard(mutex_);
  Band& band = bands_[static_cast<size_t>(number) % bands_.size()];
  if (band.number != number) {
    const int64_t first = number * kBandRows, rows = std::min(kBandRows, map_.height - first);
    band.number = -1;  // a read that throws leaves no band
    band.pixels.resize(static_cast<size_t>(rows * map_.width));
    map_.read(0, first, map_.width, rows, band.pixels.data(), map_.width);
    band.number = number;
  }
  return band.pixels[static_cast<size_t>((row - number * kBandRows) * map_.width + column)];
}

}  // namespace otf::measure
