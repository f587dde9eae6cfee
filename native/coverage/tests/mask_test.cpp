#include "coverage/mask.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <numbers>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "error/error.h"
#include "fits/test_support.h"
#include "sky/grid.h"

using namespace otf;
using namespace otf::coverage;

namespace {

constexpr double kDegree = std::numbers::pi / 180;

std::string card(const std::string& text) { return text + std::string(80 - text.size(), ' '); }

std::string cards(double declination = -30) {
  return card("CTYPE1  = 'RA---SIN'") + card("CTYPE2  = 'DEC--SIN'") + card("CRVAL1  = 150.0") +
         card("CRVAL2  = " + std::to_string(declination)) + card("CRPIX1  = 100.0") +
         card("CRPIX2  = 100.0") + card("CDELT1  = -0.01") + card("CDELT2  = 0.01") +
         card("CUNIT1  = 'deg'") + card("CUNIT2  = 'deg'");
}

struct Image {
  FitsInfo info;
  std::optional<Wcs> wcs;
  explicit Image(const std::string& header) {
    info.label = "i.fits";
    info.cards = header;
    info.width = info.height = 200;
    const int axes[2] = {1, 2};
    std::vector<std::string> warnings;
    wcs = Wcs::fromCards(header, axes, warnings);
  }
  Mask mask(const std::string& regions) const {
    return {std::make_shared<const Area>(Area{"r.reg", readRegions(regions, "r.reg")}), info,
            wcs ? &*wcs : nullptr};
  }
};

Place somewhere(std::mt19937_64& random, const Image& image) {
  std::uniform_real_distribution<double> at(-20, 220);
  const double x = at(random), y = at(random);
  return placeAt(image.wcs ? &*image.wcs : nullptr, x, y);
}

}  // namespace

TEST_CASE("pixels count from 1 in DS9, positions from 0 here; angles turn from +x to +y") {
  const Image image(cards());
  const Mask circle = image.mask("image;circle(10,20,3)");
  CHECK(circle.contains(9, 19));
  CHECK(circle.contains(12, 19));
  CHECK_FALSE(circle.contains(12.1, 19));
  const Mask bar = image.mask("image;box(50,50,40,4,30)");
  CHECK(bar.contains(49 + 19 * std::cos(30 * kDegree), 49 + 19 * std::sin(30 * kDegree)));
  CHECK_FALSE(bar.contains(49 + 19 * std::cos(30 * kDegree), 49 - 19 * std::sin(30 * kDegree)));
  const Mask ring = image.mask("image;annulus(50,50,10,20)\n-box(49,50,1,200)");
  CHECK_FALSE(ring.contains(49, 49));
  CHECK(ring.contains(64, 49));
  CHECK_FALSE(ring.contains(48, 64));
  const Mask without = image.mask("image;-circle(50,50,10)");
  CHECK(without.contains(0, 0));
  CHECK_FALSE(without.contains(49, 49));
}

TEST_CASE("on the sky: as far as it says, North up and East to the left") {
  const Image image(cards());
  const auto pixel = [&](double north, double west) {
    return std::pair(99 + west / 0.01, 99 + north / 0.01);  // the offset of a small field
  };
  const Mask circle = image.mask("icrs;circle(150,-30,0.1)");
  CHECK(circle.contains(99 + 9.9, 99));
  CHECK_FALSE(circle.contains(99 + 10.1, 99));
  // The first axis of an ellipse of DS9 lies along its angle, counted from West towards North.
  const Mask ellipse = image.mask("icrs;ellipse(150,-30,0.3,0.05,90)");
  const auto [nx, ny] = pixel(0.29, 0);
  CHECK(ellipse.contains(nx, ny));
  const auto [wx, wy] = pixel(0, 0.06);
  CHECK_FALSE(ellipse.contains(wx, wy));
  const Mask tilted = image.mask("icrs;ellipse(150,-30,0.3,0.05,45)");
  const auto [ax, ay] = pixel(0.2, 0.2);
  CHECK(tilted.contains(ax, ay));
  const auto [bx, by] = pixel(0.2, -0.2);
  CHECK_FALSE(tilted.contains(bx, by));
  // The same ellipse in another frame, whose North is turned: the galactic pole's position angle there.
  const SkyPosition galactic = sky::icrsToGalactic({150, -30});
  const SkyPosition north = sky::galacticToIcrs(galactic.raDeg, galactic.decDeg + 0.2);
  const auto up = image.wcs->skyToPixel(north);
  REQUIRE(up);
  const Mask turned = image.mask("galactic;ellipse(" + std::to_string(galactic.raDeg) + "," +
                                 std::to_string(galactic.decDeg) + ",0.3,0.01,90)");
  CHECK(turned.contains(up->first, up->second));
  CHECK_FALSE(turned.contains(2 * 99 - up->first, up->second));
}

TEST_CASE("a margin is never more than the distance to the edge, on the sky and in pixels") {
  for (const double declination : {-30.0, 75.0}) {
    const Image image(cards(declination));
    const std::string at = "(150," + std::to_string(declination);
    for (const std::string& text : std::vector<std::string>{
             "icrs;circle" + at + ",0.4)", "icrs;annulus" + at + ",0.2,0.5)",
             "fk5;ellipse" + at + ",0.6,0.2,30)", "icrs;box" + at + ",0.9,0.3,60)",
             "fk4;box" + at + ",0.3,0.3,0.9,0.9,10)", std::string("image;ellipse(100,100,60,20,30)"),
             std::string("image;box(100,90,60,20,-30)"),
             std::string("image;polygon(20,30,150,40,90,60,160,150,40,120)")}) {
      CAPTURE(text);
      const Mask mask = image.mask(text);
      const Mask::Candidates all = mask.everything();
      REQUIRE(all.included.size() == 1);
      const Shape& shape = *all.included.front();
      std::mt19937_64 random(3);
      std::uniform_real_distribution<double> unit(-1, 1);
      int inside = 0;
      for (int i = 0; i < 4000; ++i) {
        const Place place = somewhere(random, image);
        const double margin = shape.margin(place);
        inside += margin >= 0;
        // A second place, mostly close: if it is on the other side, the edge lies between.
        const double reach = std::pow(10, 1 + unit(random));
        const Place other =
            placeAt(&*image.wcs, place.x + reach * unit(random), place.y + reach * unit(random));
        if (shape.contains(place) == shape.contains(other)) continue;
        const double distance = shape.isOnSky() ? separation(place.sky, other.sky)
                                                : std::hypot(place.x - other.x, place.y - other.y);
        REQUIRE(std::abs(margin) <= distance * (1 + 1e-9) + 1e-15);
      }
      CHECK(inside > 50);
    }
  }
}

TEST_CASE("parts of the image that touch the area are never left out") {
  const Image image(cards());
  std::mt19937_64 random(4);
  std::uniform_int_distribution<int64_t> at(0, 160), size(1, 60);
  const Moc moc = readMocAscii("9/" + std::to_string(cellAt(9, sky::unitVector(150, -30))) + " 10/" +
                                   std::to_string(cellAt(10, sky::unitVector(150.5, -30.2))) + " 12/" +
                                   std::to_string(cellAt(12, sky::unitVector(149.5, -29.5))),
                               "m");
  std::vector<Mask> masks;
  masks.push_back(image.mask("icrs;circle(150.3,-30,0.1)\nimage;box(50,50,20,5,20)\n-circle(60,50,8)"));
  masks.push_back(image.mask("icrs;-circle(150,-30,0.7)"));
  masks.emplace_back(std::make_shared<const Area>(Area{"m", moc}), image.info, &*image.wcs);
  for (const Mask& mask : masks) {
    int touched = 0, kept = 0;
    for (int i = 0; i < 300; ++i) {
      const PixelBox box{at(random), at(random), size(random), size(random)};
      const auto left = mask.within(discAround(&*image.wcs, box), mask.everything());
      const bool touches = mask.fractionOf(box, 40) > 0;
      if (touches) REQUIRE(left);
      if (left && left->all && left->excluded.empty() && !mask.moc()) REQUIRE(mask.fractionOf(box, 40) == 1);
      touched += touches;
      kept += left.has_value();
    }
    CHECK(touched > 20);
    CHECK(kept < 300);
  }
}

TEST_CASE("without a celestial WCS: shapes in pixels count, what is on the sky is refused") {
  const Image bare(card("OBJECT  = 'x'"));
  REQUIRE_FALSE(bare.wcs);
  CHECK(bare.mask("image;circle(10,20,3)").contains(9, 19));
  CHECK(bare.mask("circle(10,20,3)").contains(9, 19));
  CHECK_THROWS_WITH_AS(bare.mask("fk5;circle(10,20,3)"), doctest::Contains("no celestial WCS"), OtfError);
  CHECK_THROWS_AS(Mask(std::make_shared<const Area>(Area{"m", readMocAscii("0/1", "m")}), bare.info, nullptr),
                  OtfError);
  const Image shifted(cards() + card("LTV1    = 5.0"));
  CHECK_THROWS_WITH_AS(shifted.mask("physical;circle(10,20,3)"), doctest::Contains("physical"), OtfError);
  const Image usual(cards());
  CHECK_THROWS_WITH_AS(usual.mask("icrs;polygon(150,-30,151,-30,330,30)"),
                       doctest::Contains("off the projection"), OtfError);
}

TEST_CASE("texts that were changed at random are read, or refused as masks are") {
  const Image image(cards());
  const std::vector<std::string> seeds{
      "5/12-14 20 6/81,90 29/3458764513820540927", R"({"5":[12,13,14],"6":[81],"29":[3458764513820540927]})",
      "global font=\"a; b\"\nfk5;circle(10:00:00,-30:00:00,20\") # text={x;y}\nimage\n-ellipse(1,2,3,4,5) "
      "||; box(1 2 3 4 5)\n",
      "galactic\npolygon(262d1m3s,19.1d,262.2,0.3r,262.3,19.4)\nannulus(262,19,1',2',3')\n"};
  const std::string alphabet = "0123456789/-+,:;()[]{}\"'#| \n.edhmsripxfk\0\xff";
  std::mt19937_64 random(11);
  int read = 0, refused = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text = seeds[random() % seeds.size()];
    for (uint64_t change = 0; change <= random() % 4; ++change) {
      const size_t at = random() % (text.size() + 1);
      const char c = alphabet[random() % alphabet.size()];
      if (random() % 3 == 0) {
        text.insert(at, 1, c);
      } else if (random() % 2 == 0) {
        text.erase(at, 1 + random() % 5);
      } else if (at < text.size()) {
        text[at] = c;
      }
    }
    try {
      const Area area = text.starts_with('{') ? Area{"m", readMocJson(text, "m")}
                        : i % 2 == 0          ? Area{"m", readMocAscii(text, "m")}
                                              : Area{"m", readRegions(text, "m")};
      const Mask mask(std::make_shared<const Area>(area), image.info, &*image.wcs);
      mask.within(discAround(&*image.wcs, {50, 50, 30, 30}), mask.everything());
      mask.contains(99, 99);
      ++read;
    } catch (const OtfError& error) {
      REQUIRE(error.code() == Code::kMaskInvalid);
      ++refused;
    }
  }
  CHECK(read > 1000);
  CHECK(refused > 1000);
}
