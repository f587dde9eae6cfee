// Places by generalised least squares: as good as the noise lets any be.
#include "measure/places.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "measure/tests/image.h"

namespace otf::measure {
namespace {

/// The inverse of the Fisher matrix J' N^-1 J by peak, x, y and the three of the shape, for pixels as far as two FWHM. What
/// it takes is written anew: J from differences of the model, N from its definition.
Covariance cramerRao(const Gaussian& source, double white) {
  std::vector<std::array<double, 2>> pixels;
  const auto reach = static_cast<int64_t>(2 * ellipseOf(source.shape).major);
  for (int64_t y = -reach; y <= reach; ++y) {
    for (int64_t x = -reach; x <= reach; ++x)
      pixels.push_back(
          {std::round(source.x) + static_cast<double>(x), std::round(source.y) + static_cast<double>(y)});
  }
  const size_t n = pixels.size();
  constexpr size_t kParameters = 6;
  std::vector<std::array<double, kParameters>> j(n);
  for (size_t p = 0; p < kParameters; ++p) {
    constexpr double kStep = 1e-5;
    const auto changed = [&](double by) {
      Gaussian other = source;
      const std::array<double*, kParameters> all{&other.peak,     &other.x,        &other.y,
                                                 &other.shape.xx, &other.shape.xy, &other.shape.yy};
      *all[p] += by;
      return other;
    };
    const Gaussian more = changed(kStep), less = changed(-kStep);
    for (size_t i = 0; i < n; ++i)
      j[i][p] = (more.at(pixels[i][0], pixels[i][1]) - less.at(pixels[i][0], pixels[i][1])) / (2 * kStep);
  }
  const double sigma = kBeamPx / kFwhmPerSigma;
  std::vector<double> lower(n * n);
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k <= i; ++k) {
      const double dx = pixels[i][0] - pixels[k][0], dy = pixels[i][1] - pixels[k][1];
      double sum = i == k ? 1 : (1 - white) * std::exp(-(dx * dx + dy * dy) / (4 * sigma * sigma));
      for (size_t m = 0; m < k; ++m) sum -= lower[i * n + m] * lower[k * n + m];
      REQUIRE((i != k || sum > 0));
      lower[i * n + k] = i == k ? std::sqrt(sum) : sum / lower[k * n + k];
    }
    for (size_t p = 0; p < kParameters; ++p) {
      for (size_t m = 0; m < i; ++m) j[i][p] -= lower[i * n + m] * j[m][p];
      j[i][p] /= lower[i * n + i];
    }
  }
  // Gauss and Jordan on the Fisher matrix beside a unit matrix.
  std::array<std::array<double, 2 * kParameters>, kParameters> rows{};
  for (size_t p = 0; p < kParameters; ++p) {
    rows[p][kParameters + p] = 1;
    for (size_t q = 0; q < kParameters; ++q) {
      for (size_t i = 0; i < n; ++i) rows[p][q] += j[i][p] * j[i][q];
    }
  }
  for (size_t p = 0; p < kParameters; ++p) {
    const double pivot = rows[p][p];
    for (double& value : rows[p]) value /= pivot;
    for (size_t q = 0; q < kParameters; ++q) {
      if (q == p) continue;
      const double times = rows[q][p];
      for (size_t c = 0; c < 2 * kParameters; ++c) rows[q][c] -= times * rows[p][c];
    }
  }
  return {rows[1][kParameters + 1], rows[1][kParameters + 2], rows[2][kParameters + 2]};
}

/// Root mean square distances of places from the truth over what they are at least, and over their errors.
struct Distances {
  double overBound = 0, overErrors = 0;
};

Distances distancesOf(const Covariance& shape, double white, Effort effort) {
  constexpr int64_t kSide = 1300;
  constexpr int kAcross = 40, kSources = kAcross * kAcross;
  constexpr double kPeak = 40;
  Image image(kSide, 21, 1, white);
  std::mt19937 random(9);
  std::uniform_real_distribution<double> shift(-0.5, 0.5);
  std::vector<Gaussian> truth;
  std::vector<Detection> detections;
  for (int i = 0; i < kSources; ++i) {
    const int column = i % kAcross, row = i / kAcross;
    truth.push_back({kPeak, 20 + column * 31 + shift(random), 20 + row * 31 + shift(random), shape});
    image.add(truth.back());
    detections.push_back(near(truth.back(), shift(random), shift(random)));
  }
  const std::vector<Measurement> found = measure(image, known(kSide), detections, {.effort = effort});
  double squares = 0, errors = 0;
  for (size_t i = 0; i < truth.size(); ++i) {
    const double dx = found[i].fit.x - truth[i].x, dy = found[i].fit.y - truth[i].y;
    squares += dx * dx + dy * dy;
    errors += dx * dx / found[i].errors.place.xx + dy * dy / found[i].errors.place.yy;
  }
  // Of three places within the pixel, for the bound depends on it.
  double bound = 0;
  for (const double within : {0.0, 0.25, 0.5}) {
    const Covariance least = cramerRao({kPeak, within, within, shape}, white);
    bound += (least.xx + least.yy) / 3;
  }
  return {std::sqrt(squares / kSources / bound), std::sqrt(errors / (2 * kSources))};
}

TEST_CASE(
    "places of isolated sources: 10 per cent above the Cramer-Rao bound at most, with errors that are "
    "honest") {
  // The bound of noise that is the beam's alone: 1e-7 of it is each pixel's own, for the sake of the numbers.
  const Covariance extended = covarianceOf({1.31 * kBeamPx, 1.17 * kBeamPx, 30});
  const Distances full = distancesOf(extended, 1e-7, Effort::kFull);
  CAPTURE(full.overBound);
  CAPTURE(full.overErrors);
  CHECK(full.overBound < 1.1);
  CHECK(full.overBound > 0.95);
  CHECK(full.overErrors == doctest::Approx(1).epsilon(0.1));
  // Point sources have no such bound: it is that of the part of the noise that is each pixel's own.
  for (const Effort effort : {Effort::kFast, Effort::kFull}) {
    const Distances point = distancesOf(kBeam, NoiseShape{}.white, effort);
    CAPTURE(static_cast<int>(effort));
    CAPTURE(point.overBound);
    CAPTURE(point.overErrors);
    CHECK(point.overBound < 1.15);
    CHECK(point.overBound > 0.95);
    CHECK(point.overErrors == doctest::Approx(1).epsilon(0.1));
  }
}

TEST_CASE(
    "places that go further than the errors of the fit let them, and pixels that are too few, are left") {
  FitPixels pixels;
  const Gaussian source{20, 5.2, 4.9, kBeam};
  for (int y = 0; y < 11; ++y) {
    for (int x = 0; x < 11; ++x) {
      pixels.x.push_back(x);
      pixels.y.push_back(y);
      pixels.values.push_back(source.at(x, y));
    }
  }
  const std::array<bool, 1> shapes{false};
  const auto refined = [&](double offset, double error) {
    std::vector<Gaussian> fits{{20, source.x + offset, source.y, kBeam}};
    std::vector<GaussianErrors> errors(1);
    errors[0].place = {error * error, 0, error * error};
    const bool done = refinePlaces(pixels, fits, shapes, 1, {kBeam}, errors);
    CHECK((errors[0].place.xx == error * error) == !done);
    return done ? std::abs(fits[0].x - source.x) : -1;
  };
  const double left = refined(0.1, 0.05);
  CHECK(left >= 0);
  CHECK(left < 1e-3);
  CHECK(refined(0.3, 0.01) == -1);
  pixels.x.resize(3);
  pixels.y.resize(3);
  pixels.values.resize(3);
  CHECK(refined(0.1, 0.05) == -1);
}

}  // namespace
}  // namespace otf::measure
