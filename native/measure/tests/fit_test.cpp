// Fits are those of an independent implementation, and errors what repeated noise does.
#include "measure/fit.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "measure/errors.h"

namespace otf::measure {
namespace {

/// As in test/fixtures/measure/make.py.
class Random {
 public:
  explicit Random(uint32_t seed) : state_(seed) {}
  double unit() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return state_ / 4294967296.0;
  }
  double noise() {
    double sum = 0;
    for (int i = 0; i < 12; ++i) sum += unit();
    return sum - 6;
  }

 private:
  uint32_t state_;
};

constexpr int kSide = 25;

Gaussian truth(Random& random, double cx, double cy) {
  Gaussian out;
  out.peak = 8 + 92 * random.unit();
  out.x = cx + random.unit() - 0.5;
  out.y = cy + random.unit() - 0.5;
  const double major = 2.5 + 3 * random.unit();
  const double minor = major * (0.6 + 0.4 * random.unit());
  out.shape = covarianceOf({major, minor, 180 * random.unit()});
  return out;
}

bool reaches(const Gaussian& source, double px, double py) {
  const double dx = px - source.x, dy = py - source.y;
  const Covariance& s = source.shape;
  return (s.yy * dx * dx - 2 * s.xy * dx * dy + s.xx * dy * dy) / s.determinant() <=
         kFwhmPerSigma * kFwhmPerSigma;
}

struct Case {
  std::vector<Gaussian> start;
  FitPixels pixels;
};

Case caseOf(uint32_t index) {
  Random random(2654435761U * (index + 1));
  Case out;
  if (index % 5 == 0) {
    out.start.push_back(truth(random, 10, 12));
    out.start.push_back(truth(random, 14, 12));
  } else {
    out.start.push_back(truth(random, 12, 12));
  }
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      double value = random.noise();
      bool wanted = false;
      for (const Gaussian& source : out.start) {
        value += source.at(x, y);
        wanted = wanted || reaches(source, x, y);
      }
      if (!wanted) continue;
      out.pixels.x.push_back(x);
      out.pixels.y.push_back(y);
      out.pixels.values.push_back(value);
    }
  }
  return out;
}

TEST_CASE("1,000 sources, every fifth a pair: as scipy fits them, to 1e-4 of their errors") {
  std::ifstream file(std::string(OTF_FIXTURES) + "/measure/fits.txt");
  REQUIRE(file.good());
  const Covariance pixel = covarianceOf({1, 1, 0});
  constexpr std::array<bool, 2> kFree{true, true};
  std::string line;
  uint32_t index = 0;
  double worst = 0;
  int evaluations = 0;
  for (; std::getline(file, line); ++index) {
    CAPTURE(index);
    Case given = caseOf(index);
    std::vector<Gaussian> fits = given.start;
    const FitOutcome outcome = fitGaussians(given.pixels, 1, fits, {kFree.data(), fits.size()});
    REQUIRE(outcome.converged);
    evaluations = std::max(evaluations, outcome.evaluations);
    std::istringstream numbers(line);
    for (const Gaussian& fit : fits) {
      Gaussian expected;
      numbers >> expected.peak >> expected.x >> expected.y >> expected.shape.xx >> expected.shape.xy >>
          expected.shape.yy;
      REQUIRE(static_cast<bool>(numbers));
      const GaussianErrors errors = condonErrors(expected, 1, pixel, true);
      const Ellipse a = ellipseOf(fit.shape), b = ellipseOf(expected.shape);
      for (const double off :
           {(fit.peak - expected.peak) / errors.peak, (fit.x - expected.x) / std::sqrt(errors.place.xx),
            (fit.y - expected.y) / std::sqrt(errors.place.yy), (a.major - b.major) / errors.major,
            (a.minor - b.minor) / errors.minor})
        worst = std::max(worst, std::abs(off));
    }
  }
  CHECK(index == 1000);
  CHECK(worst < 1e-4);
  CHECK(evaluations < kMostEvaluations);
}

TEST_CASE("peaks alone, at known places: the linear problem has its one solution") {
  Case given = caseOf(0);
  std::vector<Gaussian> fits = given.start;
  for (size_t i = 0; i < given.pixels.count(); ++i) {
    given.pixels.values[i] = 0;
    for (const Gaussian& source : given.start)
      given.pixels.values[i] += source.at(given.pixels.x[i], given.pixels.y[i]);
  }
  for (Gaussian& fit : fits) fit.peak = 1;
  REQUIRE(fitPeaks(given.pixels, fits));
  CHECK(fits[0].peak == doctest::Approx(given.start[0].peak).epsilon(1e-9));
  CHECK(fits[1].peak == doctest::Approx(given.start[1].peak).epsilon(1e-9));
  // Two of one place and shape: no one solution.
  fits[1] = fits[0];
  CHECK_FALSE(fitPeaks(given.pixels, fits));
}

TEST_CASE("a shape that is none, too few pixels and no noise are told") {
  Case given = caseOf(1);
  constexpr std::array<bool, 1> kFree{true};
  std::vector<Gaussian> flat = given.start;
  flat[0].shape.yy = 0;
  CHECK_FALSE(fitGaussians(given.pixels, 1, flat, kFree).converged);
  CHECK_FALSE(fitGaussians(given.pixels, 0, given.start, kFree).converged);
  FitPixels few;
  few.x = {1, 2};
  few.y = {1, 2};
  few.values = {1, 1};
  CHECK_FALSE(fitGaussians(few, 1, given.start, kFree).converged);
}

TEST_CASE("Condon's errors of a point source: those of a matched filter") {
  const Covariance beam = covarianceOf({3, 3, 0});
  const GaussianErrors errors = condonErrors({10, 0, 0, beam}, 0.5, beam, false);
  CHECK(errors.peak == doctest::Approx(0.5));
  CHECK(errors.flux == doctest::Approx(0.05));
  CHECK(std::sqrt(errors.place.xx) == doctest::Approx(3 / kFwhmPerSigma * 0.05));
  // Elongated along x: the place is known worse along the major axis.
  const GaussianErrors along = condonErrors({10, 0, 0, covarianceOf({6, 3, 0})}, 0.5, beam, true);
  CHECK(along.place.xx > along.place.yy);
  CHECK(std::abs(along.place.xy) < 1e-12);
  CHECK(along.angleDeg > 0);
  CHECK(along.angleDeg < 52);
}

}  // namespace
}  // namespace otf::measure
