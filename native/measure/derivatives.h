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

/// The inverse of a positive matrix, through Cholesky's decomposition; false: it is none.
bool invert(Matrix& m, size_t n);

/// Of one Gaussian: peak, place and, of a free shape, the exponent's a, b, c; of a known place the peak alone.
inline size_t parametersOf(size_t g, std::span<const bool> freeShape, bool placesKnown) {
  if (placesKnown) return 1;
  return freeShape[g] ? 6 : 3;
}
size_t parametersOf(std::span<const Gaussian> gaussians, std::span<const bool> freeShape, bool placesKnown);

/// A row for each pixel, a column for each parameter, and `more` columns of zeros behind them.
Matrix derivatives(const FitPixels& pixels, std::span<const Gaussian> gaussians,
                   std::span<const bool> freeShape, bool placesKnown, size_t more = 0);

}  // namespace otf::measure
