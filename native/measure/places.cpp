#include "measure/places.h"

#include <algorithm>
#include <cmath>

#include "measure/derivatives.h"

namespace otf::measure {
namespace {

/// The time goes with the cube of the pixels; plain least squares lose little where there are so many.
constexpr size_t kMostPixels = 300;
/// The second step changes a place by a hundredth of its error.
constexpr int kSteps = 2;
/// Places of both fits differ by less than the error of the worse one.
constexpr double kFarthestErrors = 4;

/// The lower triangle of Cholesky's decomposition, row by row.
class Whitener {
 public:
  Whitener(const FitPixels& pixels, const NoiseShape& noise) : n_(pixels.count()), lower_(n_ * n_) {
    const Correlations correlations(pixels, 1, noise);
    for (size_t i = 0; i < n_; ++i) {
      double* row = &lower_[i * n_];
      for (size_t k = 0; k <= i; ++k) {
        const double* other = &lower_[k * n_];
        double sum = correlations.of(i, k);
        for (size_t m = 0; m < k; ++m) sum -= row[m] * other[m];
        // Positive: each pixel has noise of its own.
        row[k] = k == i ? std::sqrt(sum) : sum * other[k];
        if (k == i) row[i] = 1 / row[i];
      }
    }
  }

  /// Columns become those of pixels with independent noise of deviation 1.
  void apply(Matrix& columns, size_t count) const {
    for (size_t i = 0; i < n_; ++i) {
      double* row = columns.row(i);
      for (size_t k = 0; k < i; ++k) {
        const double weight = lower_[i * n_ + k];
        const double* other = columns.row(k);
        for (size_t p = 0; p < count; ++p) row[p] -= weight * other[p];
      }
      for (size_t p = 0; p < count; ++p) row[p] *= lower_[i * n_ + i];
    }
  }

 private:
  size_t n_;
  std::vector<double> lower_;  // its diagonal inverted
};

}  // namespace

bool refinePlaces(const FitPixels& pixels, std::span<Gaussian> gaussians, std::span<const bool> freeShape,
                  double rms, const NoiseShape& noise, std::span<GaussianErrors> errors) {
  const size_t n = pixels.count(), parameters = parametersOf(gaussians, freeShape, false);
  if (n <= parameters || n > kMostPixels) return false;
  const Whitener whitener(pixels, noise);
  std::vector<Gaussian> moved(gaussians.begin(), gaussians.end());
  Matrix covariance(parameters, parameters);
  std::vector<double> right(parameters);
  for (int step = 0; step < kSteps; ++step) {
    // The residuals are the last column.
    Matrix j = derivatives(pixels, moved, freeShape, false, 1);
    for (size_t i = 0; i < n; ++i) {
      double left = pixels.values[i];
      for (const Gaussian& source : moved) left -= source.at(pixels.x[i], pixels.y[i]);
      j.at(i, parameters) = left;
    }
    whitener.apply(j, parameters + 1);
    covariance = Matrix(parameters, parameters);
    std::ranges::fill(right, 0);
    for (size_t i = 0; i < n; ++i) {
      const double* row = j.row(i);
      for (size_t p = 0; p < parameters; ++p) {
        right[p] += row[p] * row[parameters];
        for (size_t q = 0; q < parameters; ++q) covariance.at(p, q) += row[p] * row[q];
      }
    }
    if (!invert(covariance, parameters)) return false;
    size_t first = 0;
    for (size_t g = 0; g < moved.size(); ++g) {
      double x = 0, y = 0;
      for (size_t q = 0; q < parameters; ++q) {
        x += covariance.at(first + 1, q) * right[q];
        y += covariance.at(first + 2, q) * right[q];
      }
      moved[g].x += x;
      moved[g].y += y;
      const double most = kFarthestErrors * std::sqrt(errors[g].place.xx + errors[g].place.yy);
      if (!(std::hypot(moved[g].x - gaussians[g].x, moved[g].y - gaussians[g].y) <= most)) return false;
      first += parametersOf(g, freeShape, false);
    }
  }
  size_t first = 0;
  for (size_t g = 0; g < moved.size(); ++g) {
    const double variance = rms * rms;
    errors[g].place = {variance * covariance.at(first + 1, first + 1),
                       variance * covariance.at(first + 1, first + 2),
                       variance * covariance.at(first + 2, first + 2)};
    gaussians[g] = moved[g];
    first += parametersOf(g, freeShape, false);
  }
  return true;
}

}  // namespace otf::measure
