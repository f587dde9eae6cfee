#include "detect/model_file.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "error/error.h"

namespace otf {
namespace {

constexpr int64_t kBandRows = 64;
/// Where a Gaussian has fallen to 2^-24 of its peak.
const double kReachSigmas = std::sqrt(2 * 24 * std::log(2.0));

/// First and last row or column of the region that a source reaches, counted from its corner; last below first = none.
struct Range {
  int64_t first = 0, last = -1;
};

Range rangeOf(double centre, double variance, int64_t begin, int64_t length) {
  const double reach = kReachSigmas * std::sqrt(variance), at = centre - static_cast<double>(begin);
  const auto end = static_cast<double>(length);
  return {static_cast<int64_t>(std::ceil(std::clamp(at - reach, 0.0, end))),
          static_cast<int64_t>(std::floor(std::clamp(at + reach, -1.0, end - 1)))};
}

bool isDrawn(const measure::Gaussian& fit) {
  return std::isfinite(fit.peak) && std::isfinite(fit.x) && std::isfinite(fit.y) && fit.shape.isPositive();
}

/// Which sources reach each band; in their order, so that sums do not depend on anything else.
std::vector<std::vector<size_t>> byBand(std::span<const MeasuredSource> sources, const Region& region) {
  std::vector<std::vector<size_t>> bands(static_cast<size_t>((region.height + kBandRows - 1) / kBandRows));
  for (size_t i = 0; i < sources.size(); ++i) {
    const measure::Gaussian& fit = sources[i].pixels.fit;
    if (!isDrawn(fit)) continue;
    const Range rows = rangeOf(fit.y, fit.shape.yy, region.y, region.height);
    if (rows.last < rows.first) continue;
    for (int64_t band = rows.first / kBandRows; band <= rows.last / kBandRows; ++band)
      bands[static_cast<size_t>(band)].push_back(i);
  }
  return bands;
}

void draw(const measure::Gaussian& fit, const Region& region, int64_t firstRow, int64_t count,
          std::vector<double>& sums) {
  const Range columns = rangeOf(fit.x, fit.shape.xx, region.x, region.width);
  Range rows = rangeOf(fit.y, fit.shape.yy, region.y, region.height);
  rows = {std::max(rows.first, firstRow), std::min(rows.last, firstRow + count - 1)};
  for (int64_t y = rows.first; y <= rows.last; ++y) {
    double* row = sums.data() + (y - firstRow) * region.width;
    for (int64_t x = columns.first; x <= columns.last; ++x)
      row[x] += fit.at(static_cast<double>(region.x + x), static_cast<double>(region.y + y));
  }
}

}  // namespace

void writeModelFile(const ModelFile& file, std::span<const MeasuredSource> sources,
                    const std::atomic<bool>* cancel) {
  const Region& region = file.region;
  const auto bands = byBand(sources, region);
  FitsImageWriter writer(file.path, region.width, region.height, file.keys);
  const auto most = static_cast<size_t>(std::min(kBandRows, region.height) * region.width);
  std::vector<double> sums(most);
  std::vector<float> pixels(most);
  for (int64_t y = 0; y < region.height; y += kBandRows) {
    if (cancel && *cancel) throw OtfError(Code::kCancelled, "the image of the model was cancelled");
    const int64_t rows = std::min(kBandRows, region.height - y);
    std::ranges::fill(sums, 0.0);
    for (const size_t i : bands[static_cast<size_t>(y / kBandRows)])
      draw(sources[i].pixels.fit, region, y, rows, sums);
    const auto count = static_cast<size_t>(rows * region.width);
    if (file.image) {
      file.image(region.x, region.y + y, region.width, rows, pixels.data(), region.width);
      for (size_t i = 0; i < count; ++i) pixels[i] = static_cast<float>(pixels[i] - sums[i]);
    } else {
      for (size_t i = 0; i < count; ++i) pixels[i] = static_cast<float>(sums[i]);
    }
    writer.writeRows(pixels.data(), rows);
  }
  writer.finish();
}

}  // namespace otf
