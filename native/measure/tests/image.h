// Simulated pixels for tests of measurements.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "measure/measure.h"

namespace otf::measure {

constexpr double kBeamPx = 3;

/// An image whose noise has deviation 1 and the correlation of the beam.
class Image {
 public:
  /// `own`: the part of the variance that is each pixel's own.
  Image(int64_t side, uint32_t seed, double rms = 1, double own = 0)
      : side_(side), pixels_(static_cast<size_t>(side * side)) {
    std::mt19937 random(seed);
    std::normal_distribution<double> normal;
    std::vector<double> white(pixels_.size()), across(pixels_.size());
    for (double& value : white) value = normal(random);
    const double sigma = kBeamPx / kFwhmPerSigma;
    const int reach = 6;
    double squares = 0;
    std::vector<double> kernel;
    for (int i = -reach; i <= reach; ++i) {
      kernel.push_back(std::exp(-0.5 * i * i / (sigma * sigma)));
      squares += kernel.back() * kernel.back();
    }
    for (int64_t y = 0; y < side; ++y) {
      for (int64_t x = 0; x < side; ++x) {
        double sum = 0;
        for (int i = -reach; i <= reach; ++i)
          sum += kernel[static_cast<size_t>(i + reach)] *
                 white[static_cast<size_t>(y * side + (x + i + side) % side)];
        across[static_cast<size_t>(y * side + x)] = sum;
      }
    }
    for (int64_t y = 0; y < side; ++y) {
      for (int64_t x = 0; x < side; ++x) {
        double sum = 0;
        for (int i = -reach; i <= reach; ++i)
          sum += kernel[static_cast<size_t>(i + reach)] *
                 across[static_cast<size_t>((y + i + side) % side * side + x)];
        pixels_[static_cast<size_t>(y * side + x)] = static_cast<float>(
            rms * (std::sqrt(1 - own) * sum / squares + (own > 0 ? std::sqrt(own) * normal(random) : 0)));
      }
    }
  }

  void add(const Gaussian& source) {
    for (int64_t y = 0; y < side_; ++y) {
      if (std::abs(static_cast<double>(y) - source.y) > 40) continue;
      for (int64_t x = 0; x < side_; ++x) {
        if (std::abs(static_cast<double>(x) - source.x) > 40) continue;
        pixels_[static_cast<size_t>(y * side_ + x)] +=
            static_cast<float>(source.at(static_cast<double>(x), static_cast<double>(y)));
      }
    }
  }

  float& at(int64_t x, int64_t y) { return pixels_[static_cast<size_t>(y * side_ + x)]; }
  const float* data() const { return pixels_.data(); }

  ImagePixels view() const {
    return {side_, side_,
            [this](int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* out, int64_t stride) {
              for (int64_t y = 0; y < rows; ++y)
                std::copy_n(pixels_.data() + (y0 + y) * side_ + x0, columns, out + y * stride);
            }};
  }

 private:
  int64_t side_;
  std::vector<float> pixels_;
};

/// Noise and background as they are known to be.
inline NoiseMap known(int64_t side, float background = 0, float rms = 1) {
  CellLayout layout{0, 0, side, side, 1, 1, 1};
  return {layout, {background}, {rms}};
}

inline const Covariance kBeam = covarianceOf({kBeamPx, kBeamPx, 0});

inline Detection near(const Gaussian& source, double dx = 0.4, double dy = -0.4, double box = 9) {
  return {source.x + dx, source.y + dy, box, box, kBeam};
}

inline std::vector<Measurement> measure(const Image& image, const NoiseMap& noise,
                                        const std::vector<Detection>& detections,
                                        const MeasureOptions& options = {}) {
  return measureDetections(image.view(), noise, detections, options);
}

}  // namespace otf::measure
