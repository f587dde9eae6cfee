#include "preview/preview.h"

#include <algorithm>
#include <cmath>

#include "error/error.h"

namespace otf {
namespace {

/// Mean of each block of pixels; NaN where a block has no valid pixel. Row 0 = first FITS row.
std::vector<float> averageDown(FitsImage& image, int64_t step, int64_t width, int64_t height) {
  const FitsInfo& info = image.info();
  std::vector<float> mean(static_cast<size_t>(width * height));
  std::vector<float> band(static_cast<size_t>(info.width * step));
  for (int64_t y = 0; y < height; ++y) {
    const int64_t rows = std::min(step, info.height - y * step);
    image.readWindow(0, y * step, info.width, rows, band.data(), info.width);
    for (int64_t x = 0; x < width; ++x) {
      const int64_t columns = std::min(step, info.width - x * step);
      double sum = 0;
      int64_t count = 0;
      for (int64_t r = 0; r < rows; ++r) {
        const float* row = band.data() + r * info.width + x * step;
        for (int64_t c = 0; c < columns; ++c) {
          if (!std::isfinite(row[c])) continue;
          sum += row[c];
          ++count;
        }
      }
      mean[static_cast<size_t>(y * width + x)] =
          count > 0 ? static_cast<float>(sum / static_cast<double>(count)) : NAN;
    }
  }
  return mean;
}

float percentile(std::vector<float>& values, double share) {
  const auto at = values.begin() + static_cast<ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

}  // namespace

PreviewPicture renderPreview(FitsImage& image, int maxPx) {
  if (maxPx < 16 || maxPx > 8192)
    throw OtfError(Code::kInvalidArgument,
                   "preview size " + std::to_string(maxPx) + " is not 16..8192 pixels");
  const FitsInfo& info = image.info();
  const int64_t step = (std::max(info.width, info.height) + maxPx - 1) / maxPx;
  PreviewPicture picture;
  picture.width = static_cast<int>((info.width + step - 1) / step);
  picture.height = static_cast<int>((info.height + step - 1) / step);
  picture.scale = static_cast<double>(step);
  const std::vector<float> mean = averageDown(image, step, picture.width, picture.height);

  std::vector<float> finite;
  std::copy_if(mean.begin(), mean.end(), std::back_inserter(finite),
               [](float x) { return std::isfinite(x); });
  picture.grey.assign(mean.size(), 0);
  if (finite.empty()) return picture;
  const double low = percentile(finite, 0.01);
  const double high = percentile(finite, 0.997);
  const double range = high > low ? high - low : 1.0;
  constexpr double kSoftening = 8.0;  // noise stays dark, bright sources keep their shape
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      const float value =
          mean[static_cast<size_t>(y) * static_cast<size_t>(picture.width) + static_cast<size_t>(x)];
      if (!std::isfinite(value)) continue;
      const double stretched =
          std::asinh(kSoftening * std::clamp((value - low) / range, 0.0, 1.0)) / std::asinh(kSoftening);
      const auto target = static_cast<size_t>(picture.height - 1 - y) * static_cast<size_t>(picture.width) +
                          static_cast<size_t>(x);
      picture.grey[target] = static_cast<uint8_t>(std::lround(255.0 * stretched));
    }
  }
  return picture;
}

}  // namespace otf
