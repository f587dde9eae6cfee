#include "measure/errors.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "measure/derivatives.h"

namespace otf::measure {
namespace {

constexpr double kDegrees = 180 / std::numbers::pi;
/// A direction is never known worse than evenly over a half-circle.
const double kLeastKnownAngleDeg = 180 / std::sqrt(12.0);

/// J' N J: each pair of pixels once, and the other half is the first one's mirror image.
Matrix propagated(const FitPixels& pixels, const Columns& j, size_t parameters, double rms,
                  const NoiseShape& noise) {
  const Correlations correlations(pixels, rms * rms, noise);
  Matrix half(parameters, parameters), out(parameters, parameters);
  std::vector<double> row(pixels.count()), mixed(parameters);
  for (size_t i = 0; i < pixels.count(); ++i) {
    for (size_t k = 0; k < i; ++k) row[k] = correlations.of(i, k);
    row[i] = 0.5 * correlations.of(i, i);
    for (size_t p = 0; p < parameters; ++p) mixed[p] = product(row.data(), j.of(p), i + 1);
    for (size_t p = 0; p < parameters; ++p) {
      const double own = j.of(p)[i];
      for (size_t q = 0; q < parameters; ++q) half.at(p, q) += own * mixed[q];
    }
  }
  for (size_t p = 0; p < parameters; ++p) {
    for (size_t q = 0; q < parameters; ++q) out.at(p, q) = half.at(p, q) + half.at(q, p);
  }
  return out;
}

/// The variance of a combination of parameters from `first` on.
template <size_t N>
double variance(const Matrix& covariance, size_t first, const std::array<double, N>& gradient) {
  double sum = 0;
  for (size_t p = 0; p < N; ++p) {
    for (size_t q = 0; q < N; ++q) sum += gradient[p] * gradient[q] * covariance.at(first + p, first + q);
  }
  return sum;
}

/// Axes, angle, area and flux from the errors of a, b, c: the covariance S = Q^-1 of a form Q changes by -S dQ S.
void addShapeErrors(const Gaussian& source, const Matrix& covariance, size_t first, GaussianErrors& errors) {
  const Covariance& shape = source.shape;
  const double mean = (shape.xx + shape.yy) / 2, half = std::hypot((shape.xx - shape.yy) / 2, shape.xy);
  const double major = mean + half, minor = mean - half;  // variances
  const double angle = 0.5 * std::atan2(2 * shape.xy, shape.xx - shape.yy), c = std::cos(angle),
               s = std::sin(angle);
  const auto along = [](double x1, double y1, double x2, double y2) {
    return std::array<double, 3>{x1 * x2, x1 * y2 + y1 * x2, y1 * y2};
  };
  // A standard deviation of sqrt(v) changes by dv / (2 sqrt(v)), and v by v^2 times the form along the axis.
  errors.major = kFwhmPerSigma * std::sqrt(variance(covariance, first + 3, along(c, s, c, s))) *
                 std::pow(major, 1.5) / 2;
  errors.minor = kFwhmPerSigma * std::sqrt(variance(covariance, first + 3, along(-s, c, -s, c))) *
                 std::pow(minor, 1.5) / 2;
  const double turn = std::sqrt(variance(covariance, first + 3, along(c, s, -s, c)));
  errors.angleDeg = major > minor
                        ? std::min(turn * major * minor / (major - minor) * kDegrees, kLeastKnownAngleDeg)
                        : kLeastKnownAngleDeg;
  // The area goes with det(Q)^(-1/2): -1/2 (c da - 2 b db + a dc) / det(Q), and Q's entries are those of S exchanged.
  const std::array<double, 3> area{-0.5 * shape.xx, -shape.xy, -0.5 * shape.yy};
  errors.area = std::sqrt(variance(covariance, first + 3, area));
  const std::array<double, 6> flux{1 / source.peak, 0, 0, area[0], area[1], area[2]};
  errors.flux = std::sqrt(variance(covariance, first, flux));
}

}  // namespace

double areaRatio(const Covariance& shape, const Covariance& beam) {
  return std::sqrt(shape.determinant() / beam.determinant());
}

bool isResolved(const Gaussian& fit, const Covariance& beam, const GaussianErrors& errors) {
  constexpr double kSigmas = 1;
  return std::log(areaRatio(fit.shape, beam)) > kSigmas * errors.area;
}

std::vector<GaussianErrors> fitErrors(const FitPixels& pixels, std::span<const Gaussian> gaussians,
                                      std::span<const bool> freeShape, double rms, const NoiseShape& shape,
                                      bool placesKnown) {
  const size_t parameters = parametersOf(gaussians, freeShape, placesKnown);
  if (pixels.count() < parameters) return {};
  const Columns j = derivatives(pixels, gaussians, freeShape, placesKnown);
  Matrix normal = normalMatrix(j, parameters, pixels.count());
  if (!invert(normal, parameters)) return {};
  const Matrix noise = propagated(pixels, j, parameters, rms, shape);
  Matrix half(parameters, parameters), covariance(parameters, parameters);
  for (size_t p = 0; p < parameters; ++p) {
    for (size_t q = 0; q < parameters; ++q) {
      for (size_t k = 0; k < parameters; ++k) half.at(p, q) += normal.at(p, k) * noise.at(k, q);
    }
  }
  for (size_t p = 0; p < parameters; ++p) {
    for (size_t q = 0; q < parameters; ++q) {
      for (size_t k = 0; k < parameters; ++k) covariance.at(p, q) += half.at(p, k) * normal.at(k, q);
    }
  }
  std::vector<GaussianErrors> out;
  size_t first = 0;
  for (size_t g = 0; g < gaussians.size(); ++g) {
    GaussianErrors errors;
    errors.peak = std::sqrt(covariance.at(first, first));
    errors.flux = errors.peak / std::abs(gaussians[g].peak);
    if (!placesKnown) {
      errors.place = {covariance.at(first + 1, first + 1), covariance.at(first + 1, first + 2),
                      covariance.at(first + 2, first + 2)};
    }
    if (!placesKnown && freeShape[g]) addShapeErrors(gaussians[g], covariance, first, errors);
    out.push_back(errors);
    first += parametersOf(g, freeShape, placesKnown);
  }
  return out;
}

GaussianErrors condonErrors(const Gaussian& gaussian, double rms, const Covariance& beam, bool freeShape) {
  const Ellipse axes = ellipseOf(gaussian.shape);
  // The beam as a circle of its area: Condon's theta_N.
  const double beamSquared = std::sqrt(std::max(beam.determinant(), 0.0)) * kFwhmPerSigma * kFwhmPerSigma;
  const double ratioMajor = 1 + beamSquared / (axes.major * axes.major);
  const double ratioMinor = 1 + beamSquared / (axes.minor * axes.minor);
  const double snr = std::abs(gaussian.peak) / rms;
  // Equation 41: rho^2 with the exponents of each parameter.
  const auto rhoSquared = [&](double alphaMajor, double alphaMinor) {
    return axes.major * axes.minor / (4 * beamSquared) * std::pow(ratioMajor, alphaMajor) *
           std::pow(ratioMinor, alphaMinor) * snr * snr;
  };
  const double forPeak = 2 / rhoSquared(1.5, 1.5);
  const double forMajor = 2 / rhoSquared(2.5, 0.5), forMinor = 2 / rhoSquared(0.5, 2.5);
  GaussianErrors errors;
  errors.peak = std::abs(gaussian.peak) * std::sqrt(forPeak);
  const double along = axes.major * std::sqrt(forMajor) / kFwhmPerSigma;
  const double across = axes.minor * std::sqrt(forMinor) / kFwhmPerSigma;
  const double angle = axes.angleDeg / kDegrees, c = std::cos(angle), s = std::sin(angle);
  errors.place = {along * along * c * c + across * across * s * s, (along * along - across * across) * c * s,
                  along * along * s * s + across * across * c * c};
  errors.flux = std::sqrt(forPeak);
  if (!freeShape) return errors;
  errors.major = axes.major * std::sqrt(forMajor);
  errors.minor = axes.minor * std::sqrt(forMinor);
  const double difference = axes.major * axes.major - axes.minor * axes.minor;
  const double turn = std::sqrt(2 * forMinor) * axes.major * axes.minor * kDegrees;
  errors.angleDeg = difference > 0 ? std::min(turn / difference, kLeastKnownAngleDeg) : kLeastKnownAngleDeg;
  errors.area = std::sqrt(beamSquared / (axes.major * axes.minor) * (forMajor + forMinor));
  errors.flux = std::sqrt(forPeak + errors.area * errors.area);
  return errors;
}

}  // namespace otf::measure
