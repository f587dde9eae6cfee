#include "coverage/footprint.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "error/error.h"
#include "sky/grid.h"

using namespace otf;
using namespace otf::coverage;

namespace {

std::string card(const std::string& text) { return text + std::string(80 - text.size(), ' '); }

struct Field {
  FitsInfo info;
  std::optional<Wcs> wcs;
  Field(int64_t width, int64_t height, const std::string& projection, double longitude, double latitude,
        double scale, const std::string& axes = "RA---,DEC--") {
    const auto comma = axes.find(',');
    const std::string header =
        card("CTYPE1  = '" + axes.substr(0, comma) + projection + "'") +
        card("CTYPE2  = '" + axes.substr(comma + 1) + projection + "'") +
        card("CRVAL1  = " + std::to_string(longitude)) + card("CRVAL2  = " + std::to_string(latitude)) +
        card("CRPIX1  = " + std::to_string(static_cast<double>(width + 1) / 2)) +
        card("CRPIX2  = " + std::to_string(static_cast<double>(height + 1) / 2)) +
        card("CDELT1  = -" + std::to_string(scale)) + card("CDELT2  = " + std::to_string(scale)) +
        card("CUNIT1  = 'deg'") + card("CUNIT2  = 'deg'");
    info.label = "f.fits";
    info.cards = header;
    info.width = width;
    info.height = height;
    const int numbers[2] = {1, 2};
    std::vector<std::string> warnings;
    wcs = Wcs::fromCards(header, numbers, warnings);
  }
};

ValueMap filled(const PixelBox& region, const std::function<bool(int64_t, int64_t)>& hasValue) {
  ValueMap map(region);
  std::vector<float> row(static_cast<size_t>(region.width));
  for (int64_t y = 0; y < region.height; ++y) {
    for (int64_t x = 0; x < region.width; ++x)
      row[static_cast<size_t>(x)] = hasValue(region.x + x, region.y + y) ? 1.0F
                                    : x % 2 == 0 ? std::numeric_limits<float>::quiet_NaN()
                                                 : 0.0F;
    map.add(row.data(), 1);
  }
  map.finish();
  return map;
}

/// Every random place of the sky around: in the footprint if and only if its pixel was searched, but for the edges.
void compare(const Field& field, const ValueMap& values, const Mask* mask, const Moc& moc,
             const std::function<bool(double, double)>& isSearched, double tolerance) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> x(-0.2 * static_cast<double>(field.info.width),
                                           1.2 * static_cast<double>(field.info.width)),
      y(-0.2 * static_cast<double>(field.info.height), 1.2 * static_cast<double>(field.info.height));
  int wrong = 0, seen = 0, searched = 0;
  for (int i = 0; i < 20000; ++i) {
    const Place place = placeAt(&*field.wcs, x(random), y(random));
    if (!place.hasSky()) continue;
    const bool expected = isSearched(place.x, place.y) && (!mask || mask->contains(place));
    ++seen;
    searched += expected;
    wrong += moc.contains(place.sky) != expected;
  }
  CHECK(searched > seen / 20);
  CHECK(wrong < tolerance * seen);
  CHECK(values.blockPx() >= 1);
}

}  // namespace

TEST_CASE("the footprint of a field is its pixels, and its area theirs") {
  const Field field(600, 400, "SIN", 150, -30, 0.001);
  const PixelBox region{50, 20, 500, 300};
  const ValueMap values = filled(region, [](int64_t, int64_t) { return true; });
  const Moc moc = footprint(*field.wcs, values, nullptr, nullptr);
  const auto inside = [](double x, double y) { return x >= 49.5 && x < 549.5 && y >= 19.5 && y < 319.5; };
  compare(field, values, nullptr, moc, inside, 0.01);
  CHECK(moc.areaDeg2() == doctest::Approx(500 * 300 * 1e-6).epsilon(0.002));
}

TEST_CASE(
    "blank corners, a hole, a mask of shapes or cells; at a pole, across RA 0, in galactic coordinates") {
  const auto round = [](double x, double y) {
    return std::hypot(x - 249.5, y - 249.5) < 240 && std::hypot(x - 200, y - 300) > 40;
  };
  for (const Field& field : {Field(500, 500, "TAN", 0.01, 10, 0.002), Field(500, 500, "SIN", 40, 89.8, 0.002),
                             Field(500, 500, "CAR", 300, 0, 0.002, "GLON-,GLAT-")}) {
    const ValueMap values = filled({0, 0, 500, 500}, [&](int64_t x, int64_t y) {
      return round(static_cast<double>(x), static_cast<double>(y));
    });
    compare(field, values, nullptr, footprint(*field.wcs, values, nullptr, nullptr), round, 0.015);
    const auto regions = std::make_shared<const Area>(
        Area{"r", readRegions("image;box(250,250,500,200,30)\n-circle(260,260,50)", "r")});
    const Mask shapes(regions, field.info, &*field.wcs);
    compare(field, values, &shapes, footprint(*field.wcs, values, &shapes, nullptr), round, 0.015);
    const Place middle = placeAt(&*field.wcs, 249.5, 249.5);
    const auto cells = std::make_shared<const Area>(
        Area{"m", readMocAscii("7/" + std::to_string(cellAt(7, middle.sky)), "m")});
    const Mask moc(cells, field.info, &*field.wcs);
    compare(field, values, &moc, footprint(*field.wcs, values, &moc, nullptr), round, 0.015);
  }
}

TEST_CASE("all of the sky, and nothing of it") {
  const Field sky(720, 360, "AIT", 0, 0, 0.45);
  const ValueMap values = filled({0, 0, 720, 360}, [](int64_t, int64_t) { return true; });
  const Moc moc = footprint(*sky.wcs, values, nullptr, nullptr);
  CHECK(moc.areaDeg2() == doctest::Approx(41253).epsilon(0.02));
  std::atomic<bool> cancel = true;
  CHECK_THROWS_AS(footprint(*sky.wcs, values, nullptr, &cancel), OtfError);
  const ValueMap nothing = filled({0, 0, 720, 360}, [](int64_t, int64_t) { return false; });
  CHECK(footprint(*sky.wcs, nothing, nullptr, nullptr).ranges().empty());
  const ValueMap corner = filled({0, 0, 10, 10}, [](int64_t, int64_t) { return true; });
  CHECK_THROWS_WITH_AS(footprint(*sky.wcs, corner, nullptr, nullptr), doctest::Contains("on the sky"),
                       OtfError);
}
