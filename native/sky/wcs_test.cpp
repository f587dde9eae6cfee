// Sky positions and position angles against astropy and SOFA: test/fixtures/fits/sky.txt.
#include "sky/wcs.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <numbers>
#include <sstream>
#include <thread>

#include "sky/frame.h"

namespace otf {
namespace {

struct Point {
  std::string name;
  int axes[2] = {0, 0};
  std::string system;
  double equinox = 0, x = 0, y = 0;
  std::string ra, dec, pa;  // "nan" = no sky there
};

std::string headerOf(const std::string& name) {
  std::ifstream stream(std::string(OTF_FIXTURES) + "/fits/wcs/" + name + ".hdr", std::ios::binary);
  REQUIRE_MESSAGE(stream.good(), name);
  return {(std::istreambuf_iterator<char>(stream)), {}};
}

std::vector<Point> readPoints() {
  std::ifstream stream(std::string(OTF_FIXTURES) + "/fits/sky.txt");
  std::vector<Point> points;
  for (std::string line; std::getline(stream, line);) {
    Point p;
    std::istringstream(line) >> p.name >> p.axes[0] >> p.axes[1] >> p.system >> p.equinox >> p.x >> p.y >>
        p.ra >> p.dec >> p.pa;
    points.push_back(p);
  }
  REQUIRE(points.size() > 80);
  return points;
}

std::optional<Wcs> read(const std::string& header, const int axes[2]) {
  std::vector<std::string> warnings;
  std::optional<Wcs> wcs = Wcs::fromCards(header, axes, warnings);
  CHECK_MESSAGE(warnings.empty(), warnings.front());
  return wcs;
}

double separationDeg(SkyPosition a, SkyPosition b) {
  const sky::Vector3 u = sky::unitVector(a.raDeg, a.decDeg), v = sky::unitVector(b.raDeg, b.decDeg);
  double squared = 0;
  for (size_t i = 0; i < 3; ++i) squared += (u[i] - v[i]) * (u[i] - v[i]);
  return std::sqrt(squared) * 180 / std::numbers::pi;
}

TEST_CASE("positions, frames and position angles are astropy's, and back again") {
  for (const Point& p : readPoints()) {
    CAPTURE(p.name);
    CAPTURE(p.x);
    CAPTURE(p.y);
    const std::optional<Wcs> wcs = read(headerOf(p.name), p.axes);
    REQUIRE(wcs.has_value());
    CHECK(wcs->frame().system == p.system);
    CHECK(wcs->frame().equinox == p.equinox);
    const std::optional<SkyPosition> sky = wcs->pixelToSky(p.x, p.y);
    REQUIRE(sky.has_value() == (p.ra != "nan"));
    if (!sky) continue;
    // 1e-9 degrees is 4 micro-arcseconds; the inverse of SIP and TPV is iterated, to about 1e-8 pixel.
    CHECK(separationDeg(*sky, {std::stod(p.ra), std::stod(p.dec)}) < 1e-9);
    CHECK(sky->raDeg >= 0);
    CHECK(sky->raDeg < 360);
    const auto pixel = wcs->skyToPixel(*sky);
    REQUIRE(pixel.has_value());
    CHECK(pixel->first == doctest::Approx(p.x).epsilon(1e-6));
    CHECK(pixel->second == doctest::Approx(p.y).epsilon(1e-6));
    const std::optional<double> angle = wcs->positionAngle(p.x, p.y, 30);
    REQUIRE(angle.has_value());
    double difference = std::abs(*angle - std::stod(p.pa));
    difference = std::min(difference, 180 - difference);
    CHECK_MESSAGE(difference < 0.02, *angle, " ", p.pa);  // theirs is a step of 0.01 pixel, ours of one
  }
}

TEST_CASE("positions change frame as in astropy") {
  struct Case {
    const char* system;
    double equinox;
    SkyPosition icrs, there;
  };
  // SkyCoord(ra, dec, frame='icrs').transform_to(...), astropy 5.2; FK4 with obstime B1950.
  for (const Case& c : {Case{"ICRS", 0, {150.1, -30.2}, {150.1, -30.2}},
                        {"FK5", 2000, {150.1, -30.2}, {150.100008417, -30.200004947}},
                        {"FK5", 1975, {150.1, -30.2}, {149.820197921, -30.079512817}},
                        {"FK4", 1950, {150.1, -30.2}, {149.540477199, -29.959307524}},
                        {"FK4", 1975, {150.1, -30.2}, {149.820037477, -30.079448278}},
                        {"FK5", 2000, {10.0, 40.0}, {10.000011297, 40.000001529}},
                        {"FK4", 1950, {10.0, 40.0}, {9.320327781, 39.725597908}},
                        {"FK4", 1975, {10.0, 40.0}, {9.659598858, 39.862870170}},
                        {"FK5", 1975, {266.4, 89.0}, {274.057808386, 88.999446354}},
                        {"FK4", 1950, {266.4, 89.0}, {281.561502432, 88.980480374}}}) {
    CAPTURE(c.system);
    CAPTURE(c.equinox);
    const SkyFrame icrs{"ICRS", 0, "RA/DEC"}, there{c.system, c.equinox, "RA/DEC"};
    constexpr double kDeg = 0.1 / 3600;
    CHECK(separationDeg(sky::toFrame(c.icrs, icrs, there), c.there) < kDeg);
    CHECK(separationDeg(sky::toFrame(c.there, there, icrs), c.icrs) < kDeg);
  }
}

TEST_CASE("projection and native axes are told") {
  const int axes[2] = {1, 2};
  CHECK(read(headerOf("sin"), axes)->projection() == "SIN");
  CHECK(read(headerOf("galactic"), axes)->frame().native == "GLON/GLAT");
  CHECK(read(headerOf("sin"), axes)->frame().native == "RA/DEC");
}

TEST_CASE("the pixel scale is the root of a pixel's area") {
  const int axes[2] = {1, 2};
  CHECK(read(headerOf("sin"), axes)->jacobian(100, 50)->pixelScaleDeg() ==
        doctest::Approx(0.01).epsilon(1e-5));
  CHECK(read(headerOf("pc"), axes)->jacobian(100, 50)->pixelScaleDeg() ==
        doctest::Approx(0.01).epsilon(1e-5));
  const SkyJacobian j = *read(headerOf("sin"), axes)->jacobian(100, 50);
  CHECK(j.eastPerX == doctest::Approx(-0.01).epsilon(1e-6));
  CHECK(j.northPerY == doctest::Approx(0.01).epsilon(1e-6));
}

TEST_CASE("many points at once equal one by one, and points off the sky are marked") {
  const int axes[2] = {1, 2};
  const std::optional<Wcs> wcs = read(headerOf("aitoff"), axes);
  REQUIRE(wcs.has_value());
  std::vector<double> x, y;
  for (int i = 0; i < 10000; ++i) {
    x.push_back(i % 200);
    y.push_back(i / 100.0);
  }
  x[5] = std::numeric_limits<double>::infinity();
  y[7] = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> ra(x.size()), dec(x.size());
  std::vector<uint8_t> ok(x.size());
  wcs->pixelToSky(x, y, ra, dec, ok);
  int off = 0;
  for (size_t i = 0; i < x.size(); i += 13) {
    const auto single = wcs->pixelToSky(x[i], y[i]);
    REQUIRE(single.has_value() == (ok[i] != 0));
    if (single) {
      CHECK(single->raDeg == ra[i]);
      CHECK(single->decDeg == dec[i]);
    } else {
      CHECK(std::isnan(ra[i]));
      ++off;
    }
  }
  CHECK(off > 0);
  CHECK(ok[5] == 0);
  CHECK(ok[7] == 0);
}

TEST_CASE("sky positions without a pixel") {
  const int axes[2] = {1, 2};
  const std::optional<Wcs> wcs = read(headerOf("sin"), axes);
  CHECK_FALSE(wcs->skyToPixel({330.1, 30.2}).has_value());  // the antipode
  CHECK_FALSE(wcs->skyToPixel({std::nan(""), 0}).has_value());
  CHECK_FALSE(wcs->skyToPixel({0, 91}).has_value());
}

TEST_CASE("one Wcs serves several threads at once") {
  for (const char* name : {"sip", "tpv", "aitoff", "galactic_tan"}) {
    const int axes[2] = {1, 2};
    const std::optional<Wcs> shared = read(headerOf(name), axes);
    REQUIRE(shared.has_value());
    std::vector<SkyPosition> expected;
    for (int i = 0; i < 200; ++i)
      expected.push_back(shared->pixelToSky(i, i / 2.0).value_or(SkyPosition{-1, -1}));
    std::vector<int> wrong(4, 0);
    std::vector<std::thread> threads;
    for (size_t t = 0; t < wrong.size(); ++t) {
      threads.emplace_back([&, t] {
        for (int repeat = 0; repeat < 20; ++repeat) {
          for (int i = 0; i < 200; ++i) {
            const SkyPosition got = shared->pixelToSky(i, i / 2.0).value_or(SkyPosition{-1, -1});
            const SkyPosition& want = expected[static_cast<size_t>(i)];
            wrong[t] += got.raDeg == want.raDeg && got.decDeg == want.decDeg ? 0 : 1;
            if (i % 20 == 0) shared->skyToPixel(want);
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const int count : wrong) CHECK(count == 0);
  }
}

}  // namespace
}  // namespace otf
