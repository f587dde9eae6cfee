#include "measure/derivatives.h"

#include <cmath>

namespace otf::measure {

bool Cholesky::decompose(const Matrix& m, double damping) {
  constexpr double kLeast = 1e-12;  // of a diagonal
  for (size_t i = 0; i < n_; ++i) {
    const double diagonal = m.at(i, i);
    double* row = lower_.row(i);
    double left = diagonal * (1 + damping);
    // Times the pivots first, which the rows below want.
    for (size_t j = 0; j < i; ++j) {
      const double* other = lower_.row(j);
      row[j] = m.at(i, j);
      for (size_t k = 0; k < j; ++k) row[j] -= row[k] * other[k];
    }
    for (size_t j = 0; j < i; ++j) {
      const double scaled = row[j] * inverse_[j];
      left -= scaled * row[j];
      row[j] = scaled;
    }
    if (!(diagonal > 0) || !(left > kLeast * diagonal)) return false;
    inverse_[i] = 1 / left;
  }
  return true;
}

void Cholesky::solveFrom(size_t first, double* right) const {
  for (size_t i = first; i < n_; ++i) {
    const double* row = lower_.row(i);
    for (size_t k = first; k < i; ++k) right[i] -= row[k] * right[k];
  }
  for (size_t i = n_; i-- > first;) {
    right[i] *= inverse_[i];
    for (size_t k = i + 1; k < n_; ++k) right[i] -= lower_.at(k, i) * right[k];
  }
}

void Cholesky::invert(Matrix& inverse) const {
  std::vector<double> x(n_);
  for (size_t column = 0; column < n_; ++column) {
    x.assign(n_, 0);
    x[column] = 1;
    solveFrom(column, x.data());
    // The inverse is symmetric: rows before this column are known from theirs.
    for (size_t i = column; i < n_; ++i) inverse.at(i, column) = inverse.at(column, i) = x[i];
  }
}

bool invert(Matrix& m, size_t n) {
  Cholesky cholesky(n);
  if (!cholesky.decompose(m)) return false;
  cholesky.invert(m);
  return true;
}

size_t parametersOf(std::span<const Gaussian> gaussians, std::span<const bool> freeShape, bool placesKnown) {
  size_t parameters = 0;
  for (size_t g = 0; g < gaussians.size(); ++g) parameters += parametersOf(g, freeShape, placesKnown);
  return parameters;
}

Columns derivatives(const FitPixels& pixels, std::span<const Gaussian> gaussians,
                    std::span<const bool> freeShape, bool placesKnown) {
  const size_t count = pixels.count();
  Columns j(parametersOf(gaussians, freeShape, placesKnown), count);
  size_t first = 0;
  for (size_t g = 0; g < gaussians.size(); ++g) {
    const Gaussian& source = gaussians[g];
    const double d = source.shape.determinant();
    const double a = source.shape.yy / d, b = -source.shape.xy / d, c = source.shape.xx / d;
    double* byPeak = j.of(first);
    for (size_t i = 0; i < count; ++i) {
      const double dx = pixels.x[i] - source.x, dy = pixels.y[i] - source.y;
      byPeak[i] = std::exp(-0.5 * (dx * (a * dx + b * dy) + dy * (b * dx + c * dy)));
    }
    const bool isShaped = !placesKnown && freeShape[g];
    for (size_t i = 0; i < count && !placesKnown; ++i) {
      const double dx = pixels.x[i] - source.x, dy = pixels.y[i] - source.y;
      const double height = source.peak * byPeak[i];
      byPeak[count + i] = height * (a * dx + b * dy);
      byPeak[2 * count + i] = height * (b * dx + c * dy);
      if (!isShaped) continue;
      byPeak[3 * count + i] = -0.5 * height * dx * dx;
      byPeak[4 * count + i] = -height * dx * dy;
      byPeak[5 * count + i] = -0.5 * height * dy * dy;
    }
    first += parametersOf(g, freeShape, placesKnown);
  }
  return j;
}

void subtract(const Gaussian& gaussian, const FitPixels& pixels, std::span<double> values) {
  const double d = gaussian.shape.determinant();
  const double a = gaussian.shape.yy / d, b = -gaussian.shape.xy / d, c = gaussian.shape.xx / d;
  for (size_t i = 0; i < pixels.count(); ++i) {
    const double dx = pixels.x[i] - gaussian.x, dy = pixels.y[i] - gaussian.y;
    values[i] -= gaussian.peak * std::exp(-0.5 * (dx * (a * dx + b * dy) + dy * (b * dx + c * dy)));
  }
}

Matrix normalMatrix(const Columns& j, size_t parameters, size_t pixels) {
  Matrix normal(parameters, parameters);
  for (size_t p = 0; p < parameters; ++p) {
    for (size_t q = 0; q <= p; ++q) normal.at(p, q) = normal.at(q, p) = product(j.of(p), j.of(q), pixels);
  }
  return normal;
}

}  // namespace otf::measure
