// A simulated field holds what its truth says it holds.
#include "simulate/simulate.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numbers>
#include <numeric>
#include <thread>

#include "error/error.h"
#include "fits/fits.h"
#include "simulate/sources.h"
#include "sky/wcs.h"

namespace otf {
namespace {

/// A path in the temporary folder, removed at the end.
class Output {
 public:
  explicit Output(const std::string& name)
      : path_((std::filesystem::temp_directory_path() / ("otf-sim-" + std::to_string(::getpid()) + name))
                  .string()) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  const std::string& path() const { return path_; }
  std::string bytes() const {
    std::ifstream stream(path_, std::ios::binary);
    return {(std::istreambuf_iterator<char>(stream)), {}};
  }

 private:
  std::string path_;
};

std::vector<float> pixelsOf(const std::string& path) {
  FitsImage image = FitsImage::open(path);
  std::vector<float> pixels(static_cast<size_t>(image.info().width * image.info().height));
  image.readWindow(0, 0, image.info().width, image.info().height, pixels.data(), image.info().width);
  return pixels;
}

TEST_CASE("the same seed makes the same bytes with any number of threads, another seed others") {
  const Output one("a.fits"), three("b.fits"), other("c.fits");
  const SimulateSpec spec{500, 0.001, 4e-7, 7};
  simulateToFits(spec, one.path(), 1);
  // A file that told the time would differ by now.
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  simulateToFits(spec, three.path(), 3);
  simulateToFits({500, 0.001, 4e-7, 8}, other.path());
  CHECK(one.bytes() == three.bytes());
  CHECK(one.bytes() != other.bytes());
}

TEST_CASE("noise alone has the deviation asked for and the beam's correlation") {
  const Output file("noise.fits");
  constexpr int64_t kSize = 1024;
  CHECK(simulateToFits({kSize, 0, 2e-6, 3}, file.path()).count() == 0);
  const std::vector<float> pixels = pixelsOf(file.path());
  const auto correlation = [&](int64_t dx, int64_t dy) {
    double sum = 0;
    int64_t count = 0;
    for (int64_t y = 0; y + dy < kSize; ++y) {
      for (int64_t x = 0; x + dx < kSize; ++x, ++count) {
        sum += static_cast<double>(pixels[static_cast<size_t>(y * kSize + x)]) *
               pixels[static_cast<size_t>((y + dy) * kSize + x + dx)];
      }
    }
    return sum / static_cast<double>(count);
  };
  const double variance = correlation(0, 0);
  // About 1024^2/14 independent values: the deviation is known to 0.3 per cent.
  CHECK(std::sqrt(variance) == doctest::Approx(2e-6).epsilon(0.01));
  const double sigma = simulate::kBeamArcsec / simulate::kPixelArcsec / kFwhmPerSigma;
  const std::vector<std::pair<int64_t, int64_t>> shifts = {{1, 0}, {0, 1}, {2, 0}, {0, 2}, {2, 2}, {5, 0}};
  for (const auto& shift : shifts) {
    const int64_t dx = shift.first, dy = shift.second;
    CAPTURE(dx);
    CAPTURE(dy);
    const double expected = std::exp(-static_cast<double>(dx * dx + dy * dy) / (4 * sigma * sigma));
    CHECK(std::abs(correlation(dx, dy) / variance - expected) < 0.02);
  }
}

TEST_CASE("sources have their flux, peak, place and orientation in the image") {
  const Output file("sources.fits");
  constexpr int64_t kSize = 2048;
  const SimulatedTruth truth = simulateToFits({kSize, 2e-5, 1e-15, 11}, file.path());  // hardly any noise
  REQUIRE(truth.count() == 84);
  const std::vector<float> pixels = pixelsOf(file.path());
  const double beamAreaPx =
      2 * std::numbers::pi * std::pow(simulate::kBeamArcsec / simulate::kPixelArcsec / kFwhmPerSigma, 2);
  int isolated = 0;
  for (size_t i = 0; i < truth.count(); ++i) {
    CAPTURE(i);
    constexpr int64_t kReach = 40;
    const auto cx = static_cast<int64_t>(std::lround(truth.x[i])),
               cy = static_cast<int64_t>(std::lround(truth.y[i]));
    bool alone = cx >= kReach && cy >= kReach && cx < kSize - kReach && cy < kSize - kReach;
    for (size_t j = 0; j < truth.count(); ++j) {
      alone = alone && (i == j || std::hypot(truth.x[i] - truth.x[j], truth.y[i] - truth.y[j]) > 3 * kReach);
    }
    if (!alone) continue;
    ++isolated;
    double sum = 0, mx = 0, my = 0, xx = 0, xy = 0, yy = 0, peak = 0;
    for (int64_t y = cy - kReach; y <= cy + kReach; ++y) {
      for (int64_t x = cx - kReach; x <= cx + kReach; ++x) {
        const double v = pixels[static_cast<size_t>(y * kSize + x)];
        const double dx = static_cast<double>(x) - truth.x[i], dy = static_cast<double>(y) - truth.y[i];
        sum += v;
        mx += v * dx;
        my += v * dy;
        xx += v * dx * dx;
        xy += v * dx * dy;
        yy += v * dy * dy;
        peak = std::max(peak, v);
      }
    }
    CHECK(sum / beamAreaPx == doctest::Approx(truth.fluxJy[i]).epsilon(0.002));
    CHECK(std::abs(mx / sum) < 0.01);
    CHECK(std::abs(my / sum) < 0.01);
    // The nearest pixel may be half a pixel off the peak on both axes.
    CHECK(peak <= truth.peakSnr[i] * 1e-15 * 1.0001);
    CHECK(peak > truth.peakSnr[i] * 1e-15 * 0.75);
    const double angle = 0.5 * std::atan2(2 * xy, xx - yy) * 180 / std::numbers::pi;
    double off = std::abs(angle - truth.paPixelDeg[i]);
    off = std::min(off, 180 - off);
    if (truth.bminArcsec[i] < 0.8 * truth.bmajArcsec[i]) CHECK(off < 1);
    const double scale = simulate::kPixelArcsec * kFwhmPerSigma;
    const double expected = truth.bmajArcsec[i] * truth.bmajArcsec[i] +
                            truth.bminArcsec[i] * truth.bminArcsec[i] +
                            2 * simulate::kBeamArcsec * simulate::kBeamArcsec;
    CHECK((xx + yy) / sum * scale * scale == doctest::Approx(expected).epsilon(0.005));
  }
  CHECK(isolated > 20);
}

TEST_CASE("the header has beam, unit and sky, and the truth its sky positions") {
  const Output file("header.fits");
  const SimulatedTruth truth = simulateToFits({256, 0.001, 4e-7, 5}, file.path());
  const FitsImage image = FitsImage::open(file.path());
  const FitsInfo& info = image.info();
  CHECK(info.bunit == "Jy/beam");
  REQUIRE(info.beam.has_value());
  CHECK(info.beam->bmajDeg * 3600 == doctest::Approx(1.5));
  CHECK(info.cards.find("NAXIS4  =                    1") != std::string::npos);
  std::vector<std::string> warnings;
  const std::optional<Wcs> wcs = Wcs::fromCards(info.cards, info.axes, warnings);
  REQUIRE(wcs.has_value());
  CHECK(wcs->projection() == "SIN");
  CHECK(wcs->frame().system == "ICRS");
  CHECK(wcs->jacobian(128, 128)->pixelScaleDeg() * 3600 == doctest::Approx(0.604));
  REQUIRE(truth.count() == 66);
  REQUIRE(truth.raDeg.size() == 66);
  for (size_t i = 0; i < truth.count(); ++i) {
    const auto pixel = wcs->skyToPixel({truth.raDeg[i], truth.decDeg[i]});
    REQUIRE(pixel.has_value());
    CHECK(pixel->first == doctest::Approx(truth.x[i]).epsilon(1e-6));
    CHECK(pixel->second == doctest::Approx(truth.y[i]).epsilon(1e-6));
  }
}

TEST_CASE("fluxes follow N(>S) ~ S^-0.9 and sizes are log-normal") {
  const Output file("counts.fits");
  SimulatedTruth truth = simulateToFits({1024, 0.01, 4e-7, 9}, file.path());
  const auto above = [&](double flux) {
    return static_cast<double>(
        std::count_if(truth.fluxJy.begin(), truth.fluxJy.end(), [&](double v) { return v > flux; }));
  };
  const auto law = [](double s) { return std::pow(s, -0.9) - std::pow(2e-3, -0.9); };
  for (const double flux : {5e-6, 2e-5, 1e-4}) {
    const double expected = static_cast<double>(truth.count()) * law(flux) / law(2.5e-6);
    CHECK(std::abs(above(flux) - expected) < 4 * std::sqrt(expected));
  }
  CHECK(*std::min_element(truth.fluxJy.begin(), truth.fluxJy.end()) >= 2.5e-6);
  CHECK(*std::max_element(truth.fluxJy.begin(), truth.fluxJy.end()) <= 2e-3);
  std::nth_element(truth.bmajArcsec.begin(), truth.bmajArcsec.begin() + 5000, truth.bmajArcsec.end());
  CHECK(truth.bmajArcsec[5000] == doctest::Approx(1.265).epsilon(0.03));
}

TEST_CASE("a spec outside its limits is refused, an unwritable path named") {
  const auto code = [](const SimulateSpec& spec, const std::string& path) {
    try {
      simulateToFits(spec, path);
    } catch (const OtfError& error) {
      return error.code();
    }
    return Code::kInternal;
  };
  const Output file("never.fits");
  const double nan = std::nan("");
  for (const SimulateSpec& spec :
       {SimulateSpec{15, 0.001, 4e-7, 1}, SimulateSpec{40000, 0.001, 4e-7, 1}, SimulateSpec{64, -1, 4e-7, 1},
        SimulateSpec{64, nan, 4e-7, 1}, SimulateSpec{64, 1, 4e-7, 1}, SimulateSpec{64, 0.001, 0, 1},
        SimulateSpec{64, 0.001, nan, 1}}) {
    CHECK(code(spec, file.path()) == Code::kInvalidArgument);
  }
  CHECK_FALSE(std::filesystem::exists(file.path()));
  CHECK(code({}, "no/such/folder/field.fits") == Code::kOutputUnwritable);
}

}  // namespace
}  // namespace otf
