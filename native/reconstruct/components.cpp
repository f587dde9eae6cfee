#include "reconstruct/components.h"

#include <array>
#include <cmath>
#include <cstddef>
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

using Taps = std::array<int64_t, PointWeights::kTaps>;

Taps wrapped(int64_t first, int64_t length) {
  Taps out;
  for (int64_t& it : out) it = (first++ % length + length) % length;
  return out;
}

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
  const Taps columns = wrapped(x0, width), rows = wrapped(y0, height);
  for (size_t j = 0; j < kTaps; ++j) {
    float* row = plane + rows[j] * width;
    const float scale = static_cast<float>(flux) * down[j];
    for (size_t i = 0; i < kTaps; ++i) row[columns[i]] += scale * across[i];
  }
}

double PointWeights::sample(const float* plane, int64_t height, int64_t width) const {
  const Taps columns = wrapped(x0, width), rows = wrapped(y0, height);
  double sum = 0;
  for (size_t j = 0; j < kTaps; ++j) {
    const float* row = plane + rows[j] * width;
    double inner = 0;
    for (size_t i = 0; i < kTaps; ++i) inner += static_cast<double>(row[columns[i]] * across[i]);
    sum += inner * static_cast<double>(down[j]);
  }
  return sum;
}

}  // namespace otf
