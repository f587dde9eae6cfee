// Axes, covariances and maps between planes.
#include "measure/shape.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "measure/sky_values.h"
#include "sky/wcs.h"

namespace otf::measure {
namespace {

TEST_CASE("axes to covariance and back") {
  for (const double angle : {0.0, 30.0, 90.0, 135.0, 179.0}) {
    const Ellipse back = ellipseOf(covarianceOf({5, 2, angle}));
    CHECK(back.major == doctest::Approx(5));
    CHECK(back.minor == doctest::Approx(2));
    CHECK(back.angleDeg == doctest::Approx(angle));
  }
}

TEST_CASE("what is convolved adds its variances") {
  const Covariance beam = covarianceOf({3, 2, 20}), source = covarianceOf({4, 1, 70});
  const Ellipse left =
      ellipseOf(Covariance{beam.xx + source.xx, beam.xy + source.xy, beam.yy + source.yy}.without(beam));
  CHECK(left.major == doctest::Approx(4));
  CHECK(left.minor == doctest::Approx(1));
  CHECK(left.angleDeg == doctest::Approx(70));
  // An axis of less than nothing is none.
  CHECK(ellipseOf(covarianceOf({2.5, 2, 20}).without(beam)).minor == 0);
}

TEST_CASE("a map and its inverse") {
  const Map map{-0.5, 0.1, 0.05, 0.6};
  const Covariance shape = covarianceOf({4, 2, 33});
  const Covariance back = map.inverse().apply(map.apply(shape));
  CHECK(back.xx == doctest::Approx(shape.xx));
  CHECK(back.xy == doctest::Approx(shape.xy));
  CHECK(back.yy == doctest::Approx(shape.yy));
  // x towards West: an angle from +x turns the other way.
  CHECK(ellipseOf(Map{-1, 0, 0, 1}.apply(shape)).angleDeg == doctest::Approx(180 - 33));
}

TEST_CASE("the beam of an image in galactic axes counts from their North") {
  const auto beamIn = [](const char* longitude, const char* latitude) {
    std::string cards;
    for (const std::string& line :
         {std::string("CTYPE1  = '") + longitude + "'", std::string("CTYPE2  = '") + latitude + "'",
          std::string("CRPIX1  = 50"), std::string("CRPIX2  = 50"), std::string("CDELT1  = -0.001"),
          std::string("CDELT2  = 0.001"), std::string("CRVAL1  = 30"), std::string("CRVAL2  = 5"),
          std::string("END")}) {
      cards += line + std::string(80 - line.size(), ' ');
    }
    std::vector<std::string> warnings;
    const int axes[] = {1, 2};
    const auto wcs = Wcs::fromCards(cards, axes, warnings);
    REQUIRE(wcs.has_value());
    const auto toSky = skyMapAt(*wcs, 49, 49);
    REQUIRE(toSky.has_value());
    return ellipseOf(beamInPixels({0.007, 0.003, 30}, *toSky));
  };
  // North is up and East left: 30 degrees from +y towards -x.
  for (const Ellipse& beam : {beamIn("RA---SIN", "DEC--SIN"), beamIn("GLON-SIN", "GLAT-SIN")}) {
    CHECK(beam.major == doctest::Approx(7).epsilon(1e-4));
    CHECK(beam.minor == doctest::Approx(3).epsilon(1e-4));
    CHECK(std::fmod(beam.angleDeg + 180, 180) == doctest::Approx(120).epsilon(1e-4));
  }
}

}  // namespace
}  // namespace otf::measure
