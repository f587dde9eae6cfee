// The primary beam, looked up by position.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <vector>

#include "error/error.h"
#include "fits/fits.h"
#include "sky/frame.h"
#include "sky/wcs.h"

namespace otf {
namespace {

const SkyFrame kIcrs{"ICRS", 0, "RA/DEC"};  // of every beam image below

FitsKey text(const char* name, const char* value) { return {name, "", value, 0, true, false}; }
FitsKey number(const char* name, double value) { return {name, "", "", value, false, false}; }

/// A beam image in a file of its own, removed at the end.
class BeamFile {
 public:
  BeamFile(int64_t side, const std::vector<float>& pixels, bool wcs = true)
      : path_((std::filesystem::temp_directory_path() / ("otf-beam-" + std::to_string(::getpid()) + ".fits"))
                  .string()) {
    std::vector<FitsKey> keys;
    if (wcs) {
      const double centre = static_cast<double>(side / 2) + 1;
      keys = {text("CTYPE1", "RA---TAN"), text("CTYPE2", "DEC--TAN"), number("CRPIX1", centre),
              number("CRPIX2", centre),   number("CRVAL1", 10),       number("CRVAL2", 40),
              number("CDELT1", -0.01),    number("CDELT2", 0.01)};
    }
    writeFitsImage(path_, side, side, keys, pixels.data());
  }
  BeamFile(const BeamFile&) = delete;
  BeamFile& operator=(const BeamFile&) = delete;
  ~BeamFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

double gaussian(double x, double y, double centre, double sigma) {
  return std::exp(-0.5 * ((x - centre) * (x - centre) + (y - centre) * (y - centre)) / (sigma * sigma));
}

std::vector<float> gaussianImage(int64_t side, double sigma) {
  std::vector<float> pixels;
  for (int64_t y = 0; y < side; ++y) {
    for (int64_t x = 0; x < side; ++x) {
      pixels.push_back(static_cast<float>(
          gaussian(static_cast<double>(x), static_cast<double>(y), static_cast<double>(side / 2), sigma)));
    }
  }
  return pixels;
}

Wcs wcsOf(const std::string& path) {
  const FitsImage image = FitsImage::open(path);
  std::vector<std::string> warnings;
  return std::move(*Wcs::fromCards(image.info().cards, image.info().axes, warnings));
}

void checkSmooth(int64_t side, double sigma) {
  const BeamFile file(side, gaussianImage(side, sigma));
  PrimaryBeam beam = PrimaryBeam::open(file.path());
  const Wcs wcs = wcsOf(file.path());
  const auto centre = static_cast<double>(side / 2);
  const std::vector<std::pair<double, double>> offsets = {
      {0, 0}, {0.5, 0.5}, {3.25, -7.75}, {-centre, -centre}, {-centre, 4.3}, {11.1, 0}, {centre - 1.2, 0.4}};
  for (const auto& offset : offsets) {
    const double dx = offset.first, dy = offset.second;
    CAPTURE(dx);
    CAPTURE(dy);
    const std::optional<double> value = beam.at(*wcs.pixelToSky(centre + dx, centre + dy), kIcrs);
    REQUIRE(value.has_value());
    // Catmull-Rom's error is of third order in 1/sigma; at a repeated edge it is larger.
    CHECK(std::abs(*value - gaussian(centre + dx, centre + dy, centre, sigma)) < 0.003);
  }
  CHECK_FALSE(beam.at(*wcs.pixelToSky(-0.6, 5), kIcrs).has_value());
  CHECK_FALSE(beam.at(*wcs.pixelToSky(5, static_cast<double>(side) - 0.4), kIcrs).has_value());
  CHECK_FALSE(beam.at({190, -40}, kIcrs).has_value());
}

TEST_CASE("a smooth beam is interpolated, from memory") { checkSmooth(65, 20); }
TEST_CASE("a smooth beam is interpolated, by windows of a large file") { checkSmooth(4200, 1000); }

TEST_CASE("pixel centres give the pixel's value exactly") {
  std::vector<float> pixels(81, 0.25F);
  pixels[4 * 9 + 5] = 0.75F;
  const BeamFile file(9, pixels);
  PrimaryBeam beam = PrimaryBeam::open(file.path());
  CHECK(*beam.at(*wcsOf(file.path()).pixelToSky(5, 4), kIcrs) == doctest::Approx(0.75).epsilon(1e-6));
  CHECK(*beam.at(*wcsOf(file.path()).pixelToSky(1, 1), kIcrs) == doctest::Approx(0.25).epsilon(1e-6));
}

TEST_CASE("blanks, zeros and negatives have no beam; beside a blank it is interpolated from the rest") {
  std::vector<float> pixels(81, 0.5F);
  pixels[4 * 9 + 4] = std::numeric_limits<float>::quiet_NaN();
  // Whole corners: cubic interpolation a hair beside a single zero pixel would be a hair above zero.
  for (const size_t i : {0U, 1U, 2U, 9U, 10U, 11U, 18U, 19U, 20U}) pixels[i] = 0;
  pixels[8] = -0.1F;
  const BeamFile file(9, pixels);
  PrimaryBeam beam = PrimaryBeam::open(file.path());
  const Wcs wcs = wcsOf(file.path());
  CHECK_FALSE(beam.at(*wcs.pixelToSky(4, 4), kIcrs).has_value());
  CHECK_FALSE(beam.at(*wcs.pixelToSky(4.4, 4.4), kIcrs).has_value());
  CHECK(*beam.at(*wcs.pixelToSky(4.6, 4.6), kIcrs) == doctest::Approx(0.5));
  CHECK(*beam.at(*wcs.pixelToSky(6, 4), kIcrs) == doctest::Approx(0.5));
  CHECK_FALSE(beam.at(*wcs.pixelToSky(0, 0), kIcrs).has_value());
  CHECK_FALSE(beam.at(*wcs.pixelToSky(8, 0), kIcrs).has_value());
}

TEST_CASE("positions of another frame are looked up where they are in the beam's") {
  const BeamFile file(65, gaussianImage(65, 20));
  PrimaryBeam beam = PrimaryBeam::open(file.path());
  const Wcs wcs = wcsOf(file.path());
  const SkyPosition icrs = *wcs.pixelToSky(40.5, 20.25);
  const double wanted = *beam.at(icrs, kIcrs);
  for (const SkyFrame& frame :
       {SkyFrame{"FK4", 1950, ""}, SkyFrame{"FK5", 1975, ""}, SkyFrame{"FK5", 2000, ""}}) {
    CAPTURE(frame.system);
    const SkyPosition same = sky::toFrame(icrs, kIcrs, frame);
    CHECK(*beam.at(same, frame) == doctest::Approx(wanted).epsilon(1e-4));
  }
  // B1950 numbers taken as ICRS would be 0.7 degrees away, outside this beam.
  CHECK_FALSE(beam.at(sky::toFrame(icrs, kIcrs, {"FK4", 1950, ""}), kIcrs).has_value());
}

TEST_CASE("a beam in percent is told") {
  const BeamFile file(9, std::vector<float>(81, 95.0F));
  PrimaryBeam beam = PrimaryBeam::open(file.path());
  CHECK(beam.warnings().empty());
  CHECK(beam.at(*wcsOf(file.path()).pixelToSky(4, 4), kIcrs).has_value());
  REQUIRE(beam.warnings().size() == 1);
  CHECK(beam.warnings()[0].find("values up to 95") != std::string::npos);
}

TEST_CASE("a beam image without celestial WCS is refused") {
  const BeamFile file(9, std::vector<float>(81, 1.0F), false);
  CHECK_THROWS_AS(PrimaryBeam::open(file.path()), OtfError);
}

}  // namespace
}  // namespace otf
