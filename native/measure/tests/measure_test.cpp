// Detections on simulated pixels: what was put in comes out, with errors that are honest.
#include "measure/measure.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "error/error.h"

namespace otf::measure {
namespace {

constexpr double kBeamPx = 3;

/// An image whose noise has deviation 1 and the correlation of the beam.
class Image {
 public:
  Image(int64_t side, uint32_t seed, double rms = 1)
      : side_(side), pixels_(static_cast<size_t>(side * side)) {
    std::mt19937 random(seed);
    std::normal_distribution<double> normal;
    std::vector<double> white(pixels_.size()), across(pixels_.size());
    for (double& value : white) value = normal(random);
    const double sigma = kBeamPx / kFwhmPerSigma;
    const int reach = 6;
    double squares = 0;
    std::vector<double> kernel;
    for (int i = -reach; i <= reach; ++i) {
      kernel.push_back(std::exp(-0.5 * i * i / (sigma * sigma)));
      squares += kernel.back() * kernel.back();
    }
    for (int64_t y = 0; y < side; ++y) {
      for (int64_t x = 0; x < side; ++x) {
        double sum = 0;
        for (int i = -reach; i <= reach; ++i)
          sum += kernel[static_cast<size_t>(i + reach)] *
                 white[static_cast<size_t>(y * side + (x + i + side) % side)];
        across[static_cast<size_t>(y * side + x)] = sum;
      }
    }
    for (int64_t y = 0; y < side; ++y) {
      for (int64_t x = 0; x < side; ++x) {
        double sum = 0;
        for (int i = -reach; i <= reach; ++i)
          sum += kernel[static_cast<size_t>(i + reach)] *
                 across[static_cast<size_t>((y + i + side) % side * side + x)];
        pixels_[static_cast<size_t>(y * side + x)] = static_cast<float>(rms * sum / squares);
      }
    }
  }

  void add(const Gaussian& source) {
    for (int64_t y = 0; y < side_; ++y) {
      if (std::abs(static_cast<double>(y) - source.y) > 40) continue;
      for (int64_t x = 0; x < side_; ++x) {
        if (std::abs(static_cast<double>(x) - source.x) > 40) continue;
        pixels_[static_cast<size_t>(y * side_ + x)] +=
            static_cast<float>(source.at(static_cast<double>(x), static_cast<double>(y)));
      }
    }
  }

  float& at(int64_t x, int64_t y) { return pixels_[static_cast<size_t>(y * side_ + x)]; }
  const float* data() const { return pixels_.data(); }

  ImagePixels view() const {
    return {side_, side_,
            [this](int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* out, int64_t stride) {
              for (int64_t y = 0; y < rows; ++y)
                std::copy_n(pixels_.data() + (y0 + y) * side_ + x0, columns, out + y * stride);
            }};
  }

 private:
  int64_t side_;
  std::vector<float> pixels_;
};

/// Noise and background as they are known to be.
NoiseMap known(int64_t side, float background = 0, float rms = 1) {
  CellLayout layout{0, 0, side, side, 1, 1, 1};
  return {layout, {background}, {rms}};
}

const Covariance kBeam = covarianceOf({kBeamPx, kBeamPx, 0});

Detection near(const Gaussian& source, double dx = 0.4, double dy = -0.4, double box = 9) {
  return {source.x + dx, source.y + dy, box, box, kBeam};
}

std::vector<Measurement> measure(const Image& image, const NoiseMap& noise,
                                 const std::vector<Detection>& detections,
                                 const MeasureOptions& options = {}) {
  return measureDetections(image.view(), noise, detections, options);
}

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

TEST_CASE(
    "places of isolated point sources are within 10 per cent of what Condon 1997 gives as the least error") {
  constexpr int64_t kSide = 1700;
  constexpr int kAcross = 70, kSources = kAcross * kAcross;
  constexpr double kSnr = 20;
  Image image(kSide, 21, 1);
  std::mt19937 random(9);
  std::uniform_real_distribution<double> shift(-0.5, 0.5);
  std::vector<Gaussian> truth;
  std::vector<Detection> detections;
  for (int i = 0; i < kSources; ++i) {
    truth.push_back(
        {kSnr, 20 + (i % kAcross) * 24 + shift(random), 20 + (i / kAcross) * 24 + shift(random), kBeam});
    image.add(truth.back());
    detections.push_back(near(truth.back(), shift(random), shift(random)));
  }
  for (const Effort effort : {Effort::kFast, Effort::kFull}) {
    const std::vector<Measurement> found = measure(image, known(kSide), detections, {.effort = effort});
    double squares = 0;
    for (size_t i = 0; i < truth.size(); ++i)
      squares += std::pow(found[i].fit.x - truth[i].x, 2) + std::pow(found[i].fit.y - truth[i].y, 2);
    const double bound = std::sqrt(condonErrors(truth.front(), 1, kBeam, false).place.xx);
    const double ratio = std::sqrt(squares / (2 * kSources)) / bound;
    CAPTURE(static_cast<int>(effort));
    CAPTURE(ratio);
    CHECK(ratio < 1.1);
    CHECK(ratio > 0.9);
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

}  // namespace
}  // namespace otf::measure
