// Pairs on the sky are those that comparing everything with everything gives.
#include "score/sky_match.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "error/error.h"

namespace otf::score {
namespace {

struct Points {
  std::vector<double> ra, dec;
  SkyPoints view() const { return {ra, dec}; }
};

Points scattered(uint32_t seed, size_t count, double ra0, double dec0, double spread) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> draw(-spread, spread);
  Points points;
  for (size_t i = 0; i < count; ++i) {
    points.ra.push_back(ra0 + draw(random) / std::max(std::cos(dec0 * 0.01745), 0.01));
    points.dec.push_back(std::clamp(dec0 + draw(random), -90.0, 90.0));
  }
  return points;
}

TEST_CASE("separations: along a parallel, across a pole, and tiny ones") {
  CHECK(separationArcsec(10, 0, 11, 0) == doctest::Approx(3600));
  CHECK(separationArcsec(10, 60, 10, 61) == doctest::Approx(3600));
  CHECK(separationArcsec(359.5, 0, 0.5, 0) == doctest::Approx(3600));
  CHECK(separationArcsec(0, 89.5, 180, 89.5) == doctest::Approx(3600));
  CHECK(separationArcsec(10, -30, 10, -30 + 1e-9) == doctest::Approx(3.6e-6).epsilon(1e-6));
}

TEST_CASE("as everything with everything, at RA 0, at a pole and elsewhere, with any number of threads") {
  for (const auto& [ra, dec] : {std::pair{0.0, 0.0}, {180.0, -30.0}, {20.0, 89.99}, {300.0, -90.0}}) {
    CAPTURE(dec);
    const Points a = scattered(1, 300, ra, dec, 0.02), b = scattered(2, 400, ra, dec, 0.02);
    std::vector<Pair> expected;
    for (size_t i = 0; i < 300; ++i) {
      for (size_t j = 0; j < 400; ++j) {
        const double separation = separationArcsec(a.ra[i], a.dec[i], b.ra[j], b.dec[j]);
        if (separation <= 8)
          expected.push_back({static_cast<int64_t>(i), static_cast<int64_t>(j), separation});
      }
    }
    CHECK(expected.size() > 50);
    for (const int threads : {1, 3}) {
      const std::vector<Pair> pairs = pairsWithin(a.view(), b.view(), 8, threads);
      REQUIRE(pairs.size() == expected.size());
      for (size_t i = 0; i < pairs.size(); ++i) {
        CHECK(pairs[i].a == expected[i].a);
        CHECK(pairs[i].b == expected[i].b);
      }
    }
  }
}

TEST_CASE("the closest pairs first, each row once; unknown positions pair with nothing") {
  const Points a{{10, 10.001, std::nan("")}, {0, 0, 0}}, b{{10.0004, 10.0012}, {0, 0}};
  const std::vector<Pair> pairs = pairsWithin(a.view(), b.view(), 10, 1);
  CHECK(pairs.size() == 4);
  std::vector<double> distance;
  for (const Pair& pair : pairs) distance.push_back(pair.separation);
  const std::vector<Pair> matches = closestPairs(pairs, distance, 3, 2);
  REQUIRE(matches.size() == 2);
  CHECK(matches[0].b == 0);
  CHECK(matches[1].b == 1);
  const std::vector<uint8_t> second{0, 1, 1};
  CHECK(closestPairs(pairs, distance, 3, 2, second).size() == 1);
}

TEST_CASE("a radius that is none and pairs beyond their number are refused") {
  const Points a{{1, 1, 1}, {0, 0, 0}};
  CHECK_THROWS_AS(pairsWithin(a.view(), a.view(), 0, 1), OtfError);
  CHECK_THROWS_AS(pairsWithin(a.view(), a.view(), std::nan(""), 1), OtfError);
  CHECK_THROWS_AS(pairsWithin(a.view(), a.view(), 1, 1, 8), OtfError);
}

}  // namespace
}  // namespace otf::score
