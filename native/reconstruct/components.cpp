#include "reconstruct/components.h"

#include <cmath>
#include <numbers>

namespace otf {
namespace {

constexpr double kBeta = 6;

double tap(double distance) {
  static const double top = std::cyl_bessel_i(0.0, kBeta);
  const double reach = PointWeights::kTaps / 2.0, t = distance / reach;
  if (std::abs(t) >= 1) return 0;
  const double window = std::cyl_bessel_i(0.0, kBeta * std::sqrt(1 - t * t)) / top;
  const double angle = std::numbers::pi * distance;
  return window * (std::abs(angle) < 1e-12 ? 1 : std::sin(angle) / angle);
}

int64_t wrap(int64_t i, int64_t length) { return (i % length + length) % length; }

}  // namespace

PointWeights::PointWeights(double x, double y)
    : x0(static_cast<int64_t>(std::floor(x)) - kTaps / 2 + 1),
      y0(static_cast<int64_t>(std::floor(y)) - kTaps / 2 + 1) {
  for (int i = 0; i < kTaps; ++i) {
    across[i] = static_cast<float>(tap(static_cast<double>(x0 + i) - x));
    down[i] = static_cast<float>(tap(static_cast<double>(y0 + i) - y));
  }
}

void PointWeights::add(float* plane, int64_t height, int64_t width, double flux) const {
  for (int j = 0; j < kTaps; ++j) {
    float* row = plane + wrap(y0 + j, height) * width;
    const float scale = static_cast<float>(flux) * down[j];
    for (int i = 0; i < kTaps; ++i) row[wrap(x0 + i, width)] += scale * across[i];
  }
}

double PointWeights::sample(const float* plane, int64_t height, int64_t width, int64_t shiftX,
                            int64_t shiftY) const {
  double sum = 0;
  for (int j = 0; j < kTaps; ++j) {
    const float* row = plane + wrap(y0 + j + shiftY, height) * width;
    double inner = 0;
    for (int i = 0; i < kTaps; ++i)
      inner += static_cast<double>(row[wrap(x0 + i + shiftX, width)] * across[i]);
    sum += inner * static_cast<double>(down[j]);
  }
  return sum;
}

}  // namespace otf
