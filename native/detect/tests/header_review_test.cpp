// What a header is judged to say: positions, units, beams, and the words about each.
#include "detect/header_review.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "detect/detection_task.h"
#include "detect/measuring.h"
#include "detect/tests/fixtures.h"

namespace otf {
namespace {

/// An image of 300 x 200 pixels of one arcsecond, with these further cards, called `field.fits`.
FitsInfo infoOf(std::vector<FitsKey> more = {}, bool sky = true) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path("secret-folder.fits");
  std::vector<FitsKey> keys = sky ? test::skyKeys(300, 200) : std::vector<FitsKey>{};
  keys.insert(keys.end(), more.begin(), more.end());
  writeFitsImage(path, 300, 200, keys, std::vector<float>(60000, 1.0F).data());
  return FitsImage::open(path, {std::nullopt, 0, "field.fits"}).info();
}

FitsKey text(const char* name, const char* value) { return {name, "", value, 0, true, false}; }
FitsKey number(const char* name, double value) { return {name, "", "", value, false, false}; }

HeaderReview review(std::vector<FitsKey> more, const char* modelUnit = "Jy/beam", const char* given = "") {
  return reviewHeader(infoOf(std::move(more)), modelUnit, given);
}

bool says(const HeaderReview& review, const std::string& words) {
  return std::any_of(review.warnings.begin(), review.warnings.end(),
                     [&](const std::string& line) { return line.find(words) != std::string::npos; });
}

TEST_CASE("pixels are turned into the network's unit") {
  CHECK(review({text("BUNIT", "Jy/beam")}).unitFactor == 1);
  CHECK(review({text("BUNIT", "Jy/beam")}).warnings.empty());
  CHECK(review({text("BUNIT", "mJy beam-1")}).unitFactor == doctest::Approx(1e-3));
  CHECK(review({text("BUNIT", "Jy/beam")}, "uJy/beam").unitFactor == doctest::Approx(1e6));
  CHECK(review({text("BUNIT", "K")}, "Jy/beam", "mJy/beam").unitFactor == doctest::Approx(1e-3));
  CHECK(review({text("BUNIT", "K")}, "Jy/beam", "mJy/beam").pixelUnit == "mJy/beam");
  CHECK(review({text("BUNIT", "K")}, "").unitFactor == 1);
  CHECK(says(review({text("BUNIT", "K")}, ""), "names no unit"));
  const HeaderReview capitals = review({text("BUNIT", "MJY/BEAM")});
  CHECK(capitals.unitFactor == doctest::Approx(1e-3));
  CHECK(says(capitals, "'MJY/BEAM' in capitals is taken as mJy"));
  const HeaderReview absent = review({});
  CHECK(absent.unitFactor == 1);
  CHECK(says(absent, "no BUNIT: its pixels are taken as Jy/beam"));
}

TEST_CASE("pixels of another kind are refused, both units named") {
  for (const char* unit : {"K", "Jy/pixel", "Jy", "Jy/beam km/s", "counts", "???"}) {
    std::string message;
    CHECK(test::codeOf([&] { review({text("BUNIT", unit)}); }, &message) == Code::kUnitMismatch);
    CHECK(message.starts_with("field.fits: "));
    CHECK_MESSAGE(message.find(unit) != std::string::npos, message);
    CHECK(message.find("Jy/beam") != std::string::npos);
  }
  CHECK(test::codeOf([&] { review({}, "Jy/beam", "K"); }) == Code::kUnitMismatch);
  CHECK(test::codeOf([&] { review({}, "Jy/beam", "no unit!"); }) == Code::kInvalidArgument);
  CHECK(test::codeOf([&] { review({}, "per beam/"); }) == Code::kDetectorConfig);
}

TEST_CASE("a beam wider than the image is none of that image") {
  const HeaderReview good =
      review({number("BMAJ", 5.0 / 3600), number("BMIN", 4.0 / 3600), number("BPA", 3)});
  CHECK(good.info.beam.has_value());
  const HeaderReview arcsec = review({number("BMAJ", 5.0), number("BMIN", 4.0), number("BPA", 3)});
  CHECK_FALSE(arcsec.info.beam.has_value());
  CHECK(says(arcsec, "a beam of BMAJ = 5 deg is wider than the image (0.08333 deg); arcseconds are meant"));
  CHECK(says(review({number("BMAJ", 1e-6), number("BMIN", 1e-6)}), "narrower than half a pixel"));
}

TEST_CASE("every warning names the image as its user knows it, once, and nothing is said twice") {
  std::vector<FitsKey> keys = {number("BMAJ", 0), number("LONPOLE", 180), text("CRVAL1", "east"),
                               number("BSCALE", 1)};
  for (const bool sky : {true, false}) {
    const HeaderReview review = reviewHeader(infoOf(keys, sky), "Jy/beam", "");
    CHECK_FALSE(review.wcs.has_value());
    CHECK(review.warnings.size() >= 3);
    std::vector<std::string> lines = review.warnings;
    std::sort(lines.begin(), lines.end());
    CHECK(std::adjacent_find(lines.begin(), lines.end()) == lines.end());
    for (const std::string& line : lines) {
      CHECK(line.starts_with("field.fits: "));
      CHECK(line.find("field.fits", 5) == std::string::npos);
      CHECK(line.find("secret-folder") == std::string::npos);
    }
  }
}

TEST_CASE("tiles of the same image in another unit are the same") {
  const test::TemporaryFolder folder;
  std::vector<float> pixels(300 * 200), thousand(pixels.size());
  for (size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<float>((i * 7919) % 1000) * 1e-7F;
    thousand[i] = pixels[i] * 1000;
  }
  writeFitsImage(folder.path("a.fits"), 300, 200, std::vector<FitsKey>{text("BUNIT", "Jy/beam")},
                 pixels.data());
  writeFitsImage(folder.path("b.fits"), 300, 200, std::vector<FitsKey>{text("BUNIT", "mJy/beam")},
                 thousand.data());
  DetectorConfig config = test::demoConfig();
  config.unit = "Jy/beam";
  for (const auto& steps :
       {std::vector<NormaliseStep>{{NormaliseKind::kClip, 0, 5e-5}, {NormaliseKind::kRescale}},
        std::vector<NormaliseStep>{{NormaliseKind::kClipPercentile, 1, 99}, {NormaliseKind::kRescale}}}) {
    config.normalise = steps;
    DetectionTask a(FitsImage::open(folder.path("a.fits")), {}, config, test::demoHead());
    DetectionTask b(FitsImage::open(folder.path("b.fits")), {}, config, test::demoHead());
    std::vector<float> left(static_cast<size_t>(a.items() * a.layout().tilePixels())), right(left.size());
    a.fill(0, static_cast<int>(a.items()), left.data());
    b.fill(0, static_cast<int>(b.items()), right.data());
    double most = 0;
    for (size_t i = 0; i < left.size(); ++i) most = std::max(most, std::abs(double{left[i]} - right[i]));
    CHECK(most < 1e-5);
  }
}

TEST_CASE("without a network pixels are what they are, and no card is spoken of") {
  const auto unitOf = [](const char* bunit) { return reviewHeader(infoOf({text("BUNIT", bunit)})); };
  for (const char* bunit : {"JY/BEAM", "Jy beam-1", "Jy/bm", "Jy/beam"}) {
    CHECK(unitOf(bunit).pixelUnit == "Jy/beam");
    CHECK(unitOf(bunit).warnings.empty());
  }
  const HeaderReview capitals = unitOf("MJY/BEAM");
  CHECK(capitals.pixelUnit == "mJy/beam");
  CHECK(says(capitals, "'MJY/BEAM' in capitals is taken as mJy"));
  CHECK(unitOf("K").pixelUnit == "K");
  CHECK(reviewHeader(infoOf()).warnings.empty());
}

TEST_CASE("a measurement that has no beam says what became of it") {
  std::string message;
  const Region whole{0, 0, 300, 200};
  const HeaderReview wide = review({text("BUNIT", "Jy/beam"), number("BMAJ", 5), number("BMIN", 4)});
  CHECK(test::codeOf([&] { beamPixels(wide, whole); }, &message) == Code::kBeamUnknown);
  CHECK(message.find("; a beam of BMAJ = 5 deg is wider than the image") != std::string::npos);
  const HeaderReview nowhere = reviewHeader(infoOf({number("BMAJ", 1e-3), number("BMIN", 1e-3)}, false));
  CHECK(test::codeOf([&] { beamPixels(nowhere, whole); }, &message) == Code::kBeamUnknown);
  CHECK(message.find("has no usable celestial WCS") != std::string::npos);
}

}  // namespace
}  // namespace otf
