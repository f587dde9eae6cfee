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

/// Takes from columns what their values have in common: Cholesky's decomposition of the noise, column by column.
class Whitener {
 public:
  Whitener(const FitPixels& pixels, const NoiseShape& noise) : n_(pixels.count()), lower_(n_ * n_) {
    const Correlations correlations(pixels, 1, noise);
    for (size_t k = 0; k < n_; ++k) {
      for (size_t i = k; i < n_; ++i) lower_[k * n_ + i] = correlations.of(i, k);
    }
    for (size_t k = 0; k < n_; ++k) {
      double* column = &lower_[k * n_];
      // Positive: each pixel has noise of its own.
      const double inverse = 1 / std::sqrt(column[k]);
      for (size_t i = k; i < n_; ++i) column[i] *= inverse;
      for (size_t m = k + 1; m < n_; ++m) subtract(column, column[m], m, &lower_[m * n_]);
      column[k] = inverse;
    }
  }

  /// It becomes that of pixels with independent noise of deviation 1.
  void apply(double* values) const {
    for (size_t k = 0; k < n_; ++k) {
      const double* column = &lower_[k * n_];
      values[k] *= column[k];
      subtract(column, values[k], k + 1, values);
    }
  }

 private:
  /// From row `from` on.
  void subtract(const double* column, double times, size_t from, double* values) const {
    for (size_t i = from; i < n_; ++i) values[i] -= times * column[i];
  }

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
  Columns j = derivatives(pixels, moved, freeShape, false);
  for (size_t p = 0; p < parameters; ++p) whitener.apply(j.of(p));
  Matrix covariance = normalMatrix(j, parameters, n);
  if (!invert(covariance, parameters)) return false;
  // A step changes the derivatives by less than matters to the next one, which is a hundredth of an error.
  std::vector<double> left(n), right(parameters);
  for (int step = 0; step < kSteps; ++step) {
    left = pixels.values;
    for (const Gaussian& source : moved) subtract(source, pixels, left);
    whitener.apply(left.data());
    for (size_t p = 0; p < parameters; ++p) right[p] = product(j.of(p), left.data(), n);
    size_t first = 0;
    for (size_t g = 0; g < moved.size(); ++g) {
      moved[g].x += product(covariance.row(first + 1), right.data(), parameters);
      moved[g].y += product(covariance.row(first + 2), right.data(), parameters);
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
