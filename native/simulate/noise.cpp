#include "simulate/noise.h"

#include <algorithm>
#include <cmath>

#include "simulate/random.h"

namespace otf::simulate {

BeamNoise::BeamNoise(uint64_t seed, int64_t widthPx, double beamSigmaPx, double noise)
    : key_(mix(seed, 0x6e6f697365)),
      width_(widthPx),
      radius_(static_cast<int64_t>(std::ceil(5 * beamSigmaPx))) {
  std::vector<double> kernel(static_cast<size_t>(radius_) + 1);
  double squares = 0;
  for (size_t i = 0; i < kernel.size(); ++i) {
    const double t = static_cast<double>(i) / beamSigmaPx;
    kernel[i] = std::exp(-0.5 * t * t);
    squares += kernel[i] * kernel[i] * (i == 0 ? 1 : 2);
  }
  for (const double k : kernel) {
    kernel_.push_back(static_cast<float>(k / std::sqrt(squares)));
    vertical_.push_back(static_cast<float>(k / std::sqrt(squares) * noise));
  }
  // One more when odd: deviates come in pairs.
  white_.resize(static_cast<size_t>(width_ + 2 * radius_ + 1));
}

void BeamNoise::smoothRow(int64_t row, float* out) {
  // Rows above and below the image have numbers of their own (row + radius is never negative).
  const uint64_t rowKey = mix(key_, static_cast<uint64_t>(row + radius_));
  const int64_t count = width_ + 2 * radius_;
  for (int64_t i = 0; i < count; i += 2) {
    const NormalPair pair = normals(mix(rowKey, static_cast<uint64_t>(i)));
    white_[static_cast<size_t>(i)] = pair.a;
    white_[static_cast<size_t>(i + 1)] = pair.b;
  }
  const float* centre = white_.data() + radius_;
  for (int64_t x = 0; x < width_; ++x) out[x] = kernel_[0] * centre[x];
  for (int64_t k = 1; k <= radius_; ++k) {
    const float weight = kernel_[static_cast<size_t>(k)];
    for (int64_t x = 0; x < width_; ++x) out[x] += weight * (centre[x - k] + centre[x + k]);
  }
}

void BeamNoise::fill(int64_t row0, int64_t rows, float* pixels) {
  smooth_.resize(static_cast<size_t>((rows + 2 * radius_) * width_));
  for (int64_t r = 0; r < rows + 2 * radius_; ++r) smoothRow(row0 - radius_ + r, smooth_.data() + r * width_);
  for (int64_t r = 0; r < rows; ++r) {
    const float* centre = smooth_.data() + (r + radius_) * width_;
    float* out = pixels + r * width_;
    for (int64_t x = 0; x < width_; ++x) out[x] = vertical_[0] * centre[x];
    for (int64_t k = 1; k <= radius_; ++k) {
      const float weight = vertical_[static_cast<size_t>(k)];
      const float *above = centre - k * width_, *below = centre + k * width_;
      for (int64_t x = 0; x < width_; ++x) out[x] += weight * (above[x] + below[x]);
    }
  }
}

}  // namespace otf::simulate
