// Detections on simulated pixels: what was put in comes out, with errors that are honest.
#include "measure/measure.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

#include "error/error.h"
#include "measure/tests/image.h"

namespace otf::measure {
namespace {

TEST_CASE("a source without noise: place, peak, flux and axes") {
  Image image(64, 1, 0);
  const Gaussian source{20, 30.3, 31.7, covarianceOf({5, 4, 30})};
  image.add(source);
  const Measurement found = measure(image, known(64, 0, 0.1F), {near(source)})[0];
  CHECK(found.fit.x == doctest::Approx(30.3).epsilon(1e-6));
  CHECK(found.fit.y == doctest::Approx(31.7).epsilon(1e-6));
  CHECK(found.fit.peak == doctest::Approx(20).epsilon(1e-5));
  const Ellipse axes = ellipseOf(found.fit.shape);
  CHECK(axes.major == doctest::Approx(5).epsilon(1e-5));
  CHECK(axes.minor == doctest::Approx(4).epsilon(1e-5));
  CHECK(axes.angleDeg == doctest::Approx(30).epsilon(1e-4));
  CHECK(found.fluxRatio == doctest::Approx(20.0 / 9).epsilon(1e-5));
  CHECK(found.resolved);
  CHECK(found.flags == 0);
}

TEST_CASE("the pulls of 400 point sources in correlated noise are those of a Gaussian") {
  constexpr int64_t kSide = 1024;
  Image image(kSide, 5);
  std::mt19937 random(8);
  std::uniform_real_distribution<double> shift(-0.5, 0.5);
  std::vector<Gaussian> truth;
  std::vector<Detection> detections;
  for (int i = 0; i < 400; ++i) {
    const double peak = i % 2 == 0 ? 10 : 30;
    truth.push_back({peak, 40 + (i % 20) * 48 + shift(random), 40 + (i / 20) * 48 + shift(random), kBeam});
    image.add(truth.back());
    detections.push_back(near(truth.back(), shift(random), shift(random)));
  }
  for (const Effort effort : {Effort::kFast, Effort::kFull}) {
    const std::vector<Measurement> found = measure(image, known(kSide), detections, {.effort = effort});
    double x = 0, y = 0, peak = 0;
    for (size_t i = 0; i < truth.size(); ++i) {
      REQUIRE((found[i].flags & kFitFailed) == 0);
      x += std::pow((found[i].fit.x - truth[i].x) / std::sqrt(found[i].errors.place.xx), 2);
      y += std::pow((found[i].fit.y - truth[i].y) / std::sqrt(found[i].errors.place.yy), 2);
      peak += std::pow((found[i].fit.peak - truth[i].peak) / found[i].errors.peak, 2);
    }
    CAPTURE(static_cast<int>(effort));
    // The root mean square of 400 has an error of 3.5 per cent.
    CHECK(std::sqrt(x / 400) == doctest::Approx(1).epsilon(0.12));
    CHECK(std::sqrt(y / 400) == doctest::Approx(1).epsilon(0.12));
    CHECK(std::sqrt(peak / 400) == doctest::Approx(1).epsilon(0.15));
  }
}

TEST_CASE("two that overlap are fitted together; a third detection of one peak is merged") {
  Image image(64, 1, 0.01);
  const Gaussian a{20, 28, 30, kBeam}, b{12, 33, 30.5, kBeam};
  image.add(a);
  image.add(b);
  const auto found = measure(image, known(64, 0, 0.01F), {near(a), near(b), near(a, -0.5, 0.5)});
  CHECK(found[0].fit.peak == doctest::Approx(20).epsilon(0.01));
  CHECK(found[1].fit.peak == doctest::Approx(12).epsilon(0.01));
  CHECK(found[1].fit.x == doctest::Approx(33).epsilon(0.001));
  CHECK((found[0].flags & kBlended) != 0);
  CHECK((found[0].flags & kMerged) != 0);
  CHECK(found[2].duplicateOf == 0);
}

TEST_CASE("two detections of one long source are one, two of a blend are two") {
  Image image(96, 11, 0.05);
  const Gaussian whole{40, 30.3, 30.6, covarianceOf({6, 3.2, 40})}, a{40, 60, 60, kBeam},
      b{30, 63.2, 61, kBeam};
  for (const Gaussian& source : {whole, a, b}) image.add(source);
  // Boxes that end on either side of the peak.
  const Detection before{whole.x - 3.1, whole.y - 2.6, 4, 4, kBeam},
      behind{whole.x + 3.1, whole.y + 2.6, 4, 4, kBeam};
  const std::vector<Measurement> found =
      measure(image, known(96, 0, 0.05F), {before, behind, near(a), near(b)});
  const size_t stays = found[0].duplicateOf < 0 ? 0 : 1;
  CHECK(found[1 - stays].duplicateOf == static_cast<int32_t>(stays));
  CHECK((found[stays].flags & kMerged) != 0);
  CHECK((found[stays].flags & kBlended) == 0);
  CHECK(found[stays].fit.x == doctest::Approx(whole.x).epsilon(0.002));
  CHECK(found[stays].fit.y == doctest::Approx(whole.y).epsilon(0.002));
  CHECK(found[stays].fit.peak == doctest::Approx(40).epsilon(0.01));
  CHECK(found[2].duplicateOf == -1);
  CHECK(found[3].duplicateOf == -1);
  CHECK((found[3].flags & kBlended) != 0);
}

TEST_CASE("beside bright sources nothing is made of what is none, and they are measured") {
  constexpr int64_t kSide = 1024;
  Image image(kSide, 15);
  std::mt19937 random(16);
  std::uniform_real_distribution<double> shift(-0.5, 0.5), turn(0, 2 * std::numbers::pi), apart(2, 5);
  std::vector<Gaussian> truth;
  std::vector<Detection> detections;
  for (int i = 0; i < 400; ++i) {
    truth.push_back({60, 40 + (i % 20) * 48 + shift(random), 40 + (i / 20) * 48 + shift(random), kBeam});
    image.add(truth.back());
    detections.push_back(near(truth.back()));
  }
  // Small boxes on their slopes.
  for (int i = 0; i < 400; ++i) {
    const double angle = turn(random), distance = apart(random);
    const Gaussian& source = truth[static_cast<size_t>(i)];
    detections.push_back(
        {source.x + distance * std::cos(angle), source.y + distance * std::sin(angle), 2, 2, kBeam});
  }
  for (const double minSnr : {0.0, 4.5}) {
    const auto found = measure(image, known(kSide), detections, {.minSnr = minSnr});
    int bright = 0, failed = 0, invented = 0;
    double squares = 0;
    for (size_t i = 0; i < found.size(); ++i) {
      if (found[i].duplicateOf >= 0) continue;
      if (i >= truth.size()) {
        invented += found[i].snr() >= 10 ? 1 : 0;
        continue;
      }
      ++bright;
      failed += (found[i].flags & kFitFailed) != 0 ? 1 : 0;
      squares += std::pow((found[i].fit.peak - 60) / found[i].errors.peak, 2);
    }
    CAPTURE(minSnr);
    CHECK(bright == 400);
    CHECK(failed == 0);
    CHECK(invented == 0);
    CHECK(std::sqrt(squares / bright) == doctest::Approx(1).epsilon(0.15));
  }
}

TEST_CASE("what shows nothing is below any SNR that is wanted, and without one is not measured") {
  Image image(64, 17);
  for (int64_t y = 20; y < 44; ++y) {
    for (int64_t x = 20; x < 44; ++x) image.at(x, y) = -1;
  }
  const Detection hole{32, 32, 6, 6, kBeam};
  CHECK(measure(image, known(64), {hole}, {.minSnr = 4.5})[0].snr() < 0);
  CHECK(std::isnan(measure(image, known(64), {hole})[0].snr()));
}

TEST_CASE("edges, blank pixels, background and places without pixels") {
  Image image(64, 2, 0.1);
  const Gaussian corner{20, 1, 30, kBeam}, holed{20, 40, 40, kBeam};
  image.add(corner);
  image.add(holed);
  image.at(41, 41) = std::numeric_limits<float>::quiet_NaN();
  for (int64_t y = 0; y < 64; ++y) {
    for (int64_t x = 0; x < 64; ++x) image.at(x, y) += 5;
  }
  const auto found =
      measure(image, known(64, 5, 0.1F), {near(corner, 0, 0), near(holed, 0, 0), {500, 500, 9, 9, kBeam}});
  CHECK((found[0].flags & kEdge) != 0);
  CHECK(found[0].fit.peak == doctest::Approx(20).epsilon(0.05));
  CHECK((found[1].flags & kBlankNear) != 0);
  CHECK(found[1].fit.peak == doctest::Approx(20).epsilon(0.05));
  CHECK((found[2].flags & kFitFailed) != 0);
  CHECK(std::isnan(found[2].fit.peak));
}

TEST_CASE("a crowd is measured the same by any number of threads, and ends when it is cancelled") {
  Image image(512, 3);
  std::mt19937 random(4);
  std::uniform_real_distribution<double> place(5, 506);
  std::vector<Detection> detections;
  for (int i = 0; i < 600; ++i) {
    const Gaussian source{10 + i * 0.05, place(random), place(random), kBeam};
    image.add(source);
    detections.push_back(near(source));
  }
  const auto one = measure(image, known(512), detections),
             four = measure(image, known(512), detections, {.threads = 4});
  bool same = true;
  for (size_t i = 0; i < one.size(); ++i) {
    const auto equal = [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); };
    same = same && equal(one[i].fit.peak, four[i].fit.peak) && equal(one[i].fit.x, four[i].fit.x) &&
           one[i].flags == four[i].flags && one[i].duplicateOf == four[i].duplicateOf;
  }
  CHECK(same);
  // Errors of what is below the SNR that is wanted need not be known; everything else is as without.
  const auto bright = measure(image, known(512), detections, {.threads = 2, .minSnr = 25});
  int spared = 0;
  for (size_t i = 0; i < one.size(); ++i) {
    if (one[i].duplicateOf >= 0 || std::isnan(one[i].fit.peak)) continue;
    CHECK(bright[i].fit.peak == one[i].fit.peak);
    if (one[i].snr() < 25) {
      spared += bright[i].errors.peak == 0 ? 1 : 0;
    } else {
      CHECK(bright[i].errors.place.xx == one[i].errors.place.xx);
    }
  }
  CHECK(spared > 20);
  const std::atomic<bool> cancelled{true};
  CHECK_THROWS_AS(measure(image, known(512), detections, {.cancel = &cancelled}), OtfError);
}

TEST_CASE("forced fluxes at known places: unbiased where there is a source and where there is none") {
  constexpr int64_t kSide = 512;
  Image image(kSide, 6);
  std::vector<Detection> places;
  for (int i = 0; i < 100; ++i) {
    const Gaussian source{i % 2 == 0 ? 7.0 : 0.0, 30.0 + (i % 10) * 48 + 0.3, 30.0 + (i / 10) * 48, kBeam};
    if (source.peak > 0) image.add(source);
    places.push_back(near(source, 0, 0));
  }
  const auto found = measureAt(image.view(), known(kSide), places, {});
  double with = 0, without = 0, squares = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    (i % 2 == 0 ? with : without) += found[i].fit.peak / 50;
    squares += std::pow((found[i].fit.peak - (i % 2 == 0 ? 7 : 0)) / found[i].errors.peak, 2);
    CHECK(found[i].fit.x == places[i].x);
  }
  CHECK(with == doctest::Approx(7).epsilon(0.07));
  CHECK(std::abs(without) < 0.5);
  CHECK(std::sqrt(squares / 100) == doctest::Approx(1).epsilon(0.25));
}

TEST_CASE("a place that is given more than once is fitted once, and each has its flux") {
  Image image(64, 1, 0.01);
  const Gaussian a{20, 28, 30, kBeam}, b{12, 34, 30.5, kBeam};
  image.add(a);
  image.add(b);
  const auto once = measureAt(image.view(), known(64, 0, 0.01F), {{near(a, 0, 0), near(b, 0, 0)}}, {});
  const std::vector<Detection> places{near(a, 0, 0), near(b, 0, 0), near(a, 0, 0), near(a, 0.01, -0.01)};
  const auto found = measureAt(image.view(), known(64, 0, 0.01F), places, {});
  for (const size_t i : {0, 2, 3}) {
    CHECK(found[i].fit.peak == once[0].fit.peak);
    CHECK(found[i].errors.peak == once[0].errors.peak);
    CHECK(found[i].flags == (once[0].flags | kMerged));
  }
  CHECK(found[1].fit.peak == once[1].fit.peak);
  CHECK(found[1].flags == once[1].flags);
}

}  // namespace
}  // namespace otf::measure
