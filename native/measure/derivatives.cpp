#include "measure/derivatives.h"

#include <cmath>

namespace otf::measure {

bool invert(Matrix& m, size_t n) {
  // Parameters differ in scale by orders of magnitude: all diagonals become 1.
  std::vector<double> scale(n);
  for (size_t i = 0; i < n; ++i) {
    if (!(m.at(i, i) > 0)) return false;
    scale[i] = 1 / std::sqrt(m.at(i, i));
  }
  Matrix lower(n, n);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      double sum = m.at(i, j) * scale[i] * scale[j];
      for (size_t k = 0; k < j; ++k) sum -= lower.at(i, k) * lower.at(j, k);
      if (i == j && !(sum > 1e-12)) return false;
      lower.at(i, j) = i == j ? std::sqrt(sum) : sum / lower.at(j, j);
    }
  }
  for (size_t column = 0; column < n; ++column) {
    std::vector<double> x(n);
    for (size_t i = 0; i < n; ++i) {
      double sum = i == column ? 1 : 0;
      for (size_t k = 0; k < i; ++k) sum -= lower.at(i, k) * x[k];
      x[i] = sum / lower.at(i, i);
    }
    for (size_t i = n; i-- > 0;) {
      for (size_t k = i + 1; k < n; ++k) x[i] -= lower.at(k, i) * x[k];
      x[i] /= lower.at(i, i);
    }
    for (size_t i = 0; i < n; ++i) m.at(i, column) = x[i] * scale[i] * scale[column];
  }
  return true;
}

size_t parametersOf(std::span<const Gaussian> gaussians, std::span<const bool> freeShape, bool placesKnown) {
  size_t parameters = 0;
  for (size_t g = 0; g < gaussians.size(); ++g) parameters += parametersOf(g, freeShape, placesKnown);
  return parameters;
}

Matrix derivatives(const FitPixels& pixels, std::span<const Gaussian> gaussians,
                   std::span<const bool> freeShape, bool placesKnown, size_t more) {
  Matrix j(pixels.count(), parametersOf(gaussians, freeShape, placesKnown) + more);
  for (size_t i = 0; i < pixels.count(); ++i) {
    double* row = j.row(i);
    for (size_t g = 0; g < gaussians.size(); ++g) {
      const Gaussian& source = gaussians[g];
      const double d = source.shape.determinant();
      const double dx = pixels.x[i] - source.x, dy = pixels.y[i] - source.y;
      const double towardsX = (source.shape.yy * dx - source.shape.xy * dy) / d;
      const double towardsY = (source.shape.xx * dy - source.shape.xy * dx) / d;
      const double bell = std::exp(-0.5 * (dx * towardsX + dy * towardsY)), height = source.peak * bell;
      *row++ = bell;
      if (placesKnown) continue;
      *row++ = height * towardsX;
      *row++ = height * towardsY;
      if (!freeShape[g]) continue;
      *row++ = -0.5 * height * dx * dx;
      *row++ = -height * dx * dy;
      *row++ = -0.5 * height * dy * dy;
    }
  }
  return j;
}

}  // namespace otf::measure
