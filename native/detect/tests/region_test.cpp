#include "detect/region.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "detect/tests/fixtures.h"

using namespace otf;

namespace {

FitsInfo info(int64_t width, int64_t height) {
  FitsInfo result;
  result.label = "field.fits";
  result.width = width;
  result.height = height;
  return result;
}

void checkRegion(const Region& region, int64_t x, int64_t y, int64_t width, int64_t height) {
  CHECK(region.x == x);
  CHECK(region.y == y);
  CHECK(region.width == width);
  CHECK(region.height == height);
}

}  // namespace

TEST_CASE("a pixel box is cut to the plane") {
  const FitsInfo plane = info(600, 500);
  checkRegion(resolveRegion({}, plane, nullptr), 0, 0, 600, 500);
  checkRegion(resolveRegion(Region{10, 20, 30, 40}, plane, nullptr), 10, 20, 30, 40);
  checkRegion(resolveRegion(Region{-10, 480, 30, 40}, plane, nullptr), 0, 480, 20, 20);
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max(), kLeast = std::numeric_limits<int64_t>::min();
  checkRegion(resolveRegion(Region{599, 499, kMost, kMost}, plane, nullptr), 599, 499, 1, 1);
  for (const Region outside :
       {Region{600, 0, 5, 5}, Region{0, 500, 5, 5}, Region{-5, 0, 5, 5}, Region{0, -9, 5, 5},
        Region{kMost, 0, kMost, 5}, Region{kLeast, 0, kMost, 5}, Region{0, kLeast, 1, 1}}) {
    std::string message;
    CHECK(test::codeOf([&] { resolveRegion(outside, plane, nullptr); }, &message) == Code::kRoiOutside);
    CHECK(message.find("600 x 500") != std::string::npos);
  }
  CHECK(test::codeOf([&] { resolveRegion(Region{0, 0, 0, 5}, plane, nullptr); }) == Code::kInvalidArgument);
  CHECK(test::codeOf([&] { resolveRegion(Region{0, 0, 5, kLeast}, plane, nullptr); }) ==
        Code::kInvalidArgument);
}

TEST_CASE("a box around a sky position goes through the WCS") {
  const FitsImage image = FitsImage::open(test::fixture("field-600x500/field.fits"));
  std::vector<std::string> warnings;
  const auto wcs = Wcs::fromCards(image.info().cards, image.info().axes, warnings);
  REQUIRE(wcs);
  // The reference pixel (301, 251) of the header is pixel (300, 250) from 0.
  checkRegion(resolveRegion(SkyRegion{{150.1, -30.2}, 101, 51}, image.info(), &*wcs), 250, 225, 101, 51);
  checkRegion(resolveRegion(SkyRegion{{150.1, -30.2}, 5000, 51}, image.info(), &*wcs), 0, 225, 600, 51);

  std::string message;
  const auto code = [&](const SkyRegion& roi, const Wcs* through) {
    return test::codeOf([&] { resolveRegion(roi, image.info(), through); }, &message);
  };
  CHECK(code({{151.1, -30.2}, 100, 100}, &*wcs) == Code::kRoiOutside);
  CHECK(message.find("600 x 500") != std::string::npos);
  CHECK(code({{330.1, 30.2}, 100, 100}, &*wcs) == Code::kRoiOutside);  // the far side of the sky
  CHECK(code({{150.1, -30.2}, 100, 100}, nullptr) == Code::kRoiOutside);
  CHECK(message.find("no celestial WCS") != std::string::npos);
  CHECK(code({{150.1, -90.2}, 100, 100}, &*wcs) == Code::kInvalidArgument);
  CHECK(code({{std::nan(""), -30.2}, 100, 100}, &*wcs) == Code::kInvalidArgument);
  CHECK(code({{150.1, -30.2}, 0, 100}, &*wcs) == Code::kInvalidArgument);
}

TEST_CASE("a sky position in another frame than the image's is converted first") {
  const FitsImage image = FitsImage::open(test::fixture("field-600x500/field.fits"));
  // The same field as its header would be in B1950: SkyCoord(150.1, -30.2).transform_to('fk4'), astropy 5.2.
  std::string cards = image.info().cards;
  const auto replaceCard = [&cards](const std::string& key, std::string card) {
    card.resize(80, ' ');
    const size_t at = cards.find(key);
    REQUIRE(at != std::string::npos);
    cards.replace(at, 80, card);
  };
  replaceCard("CRVAL1  =", "CRVAL1  =        149.540477199");
  replaceCard("CRVAL2  =", "CRVAL2  =        -29.959307524");
  replaceCard("LATPOLE =", "LATPOLE =        -29.959307524");
  replaceCard("RADESYS =", "RADESYS = 'FK4'");
  replaceCard("MJDREF  =", "EQUINOX =               1950.0");
  std::vector<std::string> warnings;
  const auto wcs = Wcs::fromCards(cards, image.info().axes, warnings);
  REQUIRE(wcs);
  REQUIRE(wcs->frame().system == "FK4");
  SkyRegion icrs{{150.1, -30.2}, 101, 51};
  icrs.frame = SkyFrame{"ICRS", 0, ""};
  checkRegion(resolveRegion(icrs, image.info(), &*wcs), 250, 225, 101, 51);
  // The numbers alone would be half a degree away: not on this image.
  icrs.frame.reset();
  CHECK(test::codeOf([&] { resolveRegion(icrs, image.info(), &*wcs); }) == Code::kRoiOutside);
}
