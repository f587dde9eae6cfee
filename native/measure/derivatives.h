// The linear problem around a fit: derivatives of Gaussians at pixels, and small matrices.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "measure/fit.h"

namespace otf::measure {

/// Symmetric matrices as full ones, row by row; and others.
class Matrix {
 public:
  Matrix(size_t rows, size_t columns) : columns_(columns), values_(rows * columns) {}
  double& at(size_t row, size_t column) { return values_[row * columns_ + column]; }
  double at(size_t row, size_t column) const { return values_[row * columns_ + column]; }
  double* row(size_t row) { return &values_[row * columns_]; }
  const double* row(size_t row) const { return &values_[row * columns_]; }

 private:
  size_t columns_;
  std::vector<double> values_;
};

/// Cholesky's decomposition of a positive matrix, as L D L': no roots, and parameters may differ in scale by orders of magnitude.
class Cholesky {
 public:
  explicit Cholesky(size_t n) : n_(n), lower_(n, n), inverse_(n) {}
  /// `damping`: so much of the diagonal is added to it. False: it is not positive.
  bool decompose(const Matrix& m, double damping = 0);
  /// The solution in place of the right side.
  void solve(double* right) const { solveFrom(0, right); }
  void invert(Matrix& inverse) const;

 private:
  /// Of a right side that is 0 before row `first`; what comes before it in the solution is left out.
  void solveFrom(size_t first, double* right) const;
  size_t n_;
  Matrix lower_;
  std::vector<double> inverse_;  // of D
};

/// The inverse of a positive matrix in place; false: it is none.
bool invert(Matrix& m, size_t n);

/// Of one Gaussian: peak, place and, of a free shape, the exponent's a, b, c; of a known place the peak alone.
inline size_t parametersOf(size_t g, std::span<const bool> freeShape, bool placesKnown) {
  if (placesKnown) return 1;
  return freeShape[g] ? 6 : 3;
}
size_t parametersOf(std::span<const Gaussian> gaussians, std::span<const bool> freeShape, bool placesKnown);

/// Values of all pixels, for one parameter after the other.
class Columns {
 public:
  Columns(size_t columns, size_t rows) : rows_(rows), values_(columns * rows) {}
  double* of(size_t column) { return &values_[column * rows_]; }
  const double* of(size_t column) const { return &values_[column * rows_]; }

 private:
  size_t rows_;
  std::vector<double> values_;
};

/// A column for each parameter.
Columns derivatives(const FitPixels& pixels, std::span<const Gaussian> gaussians,
                    std::span<const bool> freeShape, bool placesKnown);

/// Takes the Gaussian from values of the pixels.
void subtract(const Gaussian& gaussian, const FitPixels& pixels, std::span<double> values);

/// The sum of a[i] b[i]; four sums at once, for each waits for the number before.
inline double product(const double* a, const double* b, size_t n) {
  double first = 0, second = 0, third = 0, fourth = 0;
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    first += a[i] * b[i];
    second += a[i + 1] * b[i + 1];
    third += a[i + 2] * b[i + 2];
    fourth += a[i + 3] * b[i + 3];
  }
  for (; i < n; ++i) first += a[i] * b[i];
  return (first + second) + (third + fourth);
}

/// J'J.
Matrix normalMatrix(const Columns& j, size_t parameters, size_t pixels);

}  // namespace otf::measure
