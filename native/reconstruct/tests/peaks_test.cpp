// Detection: the map and its peaks.
#include "reconstruct/peaks.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "error/error.h"

using namespace otf;

TEST_CASE("peaks are found once, between pixels") {
  std::vector<float> map(100);
  map[44] = map[45] = 9;  // two equal pixels are one peak
  map[98] = 7;
  const std::vector<Peak> peaks = findPeaks(map, 10, 10, 5, 10);
  REQUIRE(peaks.size() == 2);
  CHECK(peaks[0].px == 4);
  CHECK(peaks[0].x == doctest::Approx(4.5));
  CHECK(peaks[1].py == 9);
  // A point between pixels is where it is, as far as its noise lets one see.
  for (int64_t y = 0; y < 10; ++y) {
    for (int64_t x = 0; x < 10; ++x)
      map[size_t(y * 10 + x)] = float(
          50 * std::exp(-(std::pow(double(x) - 4.4, 2) + std::pow(double(y) - 5.7, 2)) / 2 / 1.36 / 1.36));
  }
  const std::vector<Peak> between = findPeaks(map, 10, 10, 5, 1);
  REQUIRE(between.size() == 1);
  CHECK(between[0].x == doctest::Approx(4.4).epsilon(1e-4));
  CHECK(between[0].y == doctest::Approx(5.7).epsilon(1e-4));
  map.assign(100, 0);
  map[44] = 9;
  map[98] = 7;
  CHECK_THROWS_WITH_AS(findPeaks(map, 10, 10, 5, 1), doctest::Contains("in the noise"), OtfError);
}

TEST_CASE("the statistic is that of the best run of frames, and of all where there are no more") {
  // More pixels than are done at once: one steady, one with an event inside a run, one whose event is cut in two by its length.
  const int64_t pixels = 5000;
  std::vector<float> cube(size_t(20 * pixels));
  for (size_t t = 0; t < 20; ++t) {
    cube[t * pixels] = 2;
    cube[t * pixels + 4999] = t == 11 || t == 13 ? -3.0F : 0.0F;
    cube[t * pixels + 4998] = t == 1 || t == 10 ? 1e4F : t == 18 ? 1.0F : 0.0F;
  }
  std::vector<float> out(pixels);
  runRootSumSquare(cube.data(), 20, pixels, 8, out.data());
  CHECK(out[0] == doctest::Approx(std::sqrt(8 * 4.0)));
  CHECK(out[4999] == doctest::Approx(std::sqrt(18.0)));
  CHECK(out[4998] == doctest::Approx(1e4));
  CHECK(out[1] == 0);
  runRootSumSquare(cube.data(), 5, pixels, 8, out.data());
  CHECK(out[0] == doctest::Approx(std::sqrt(5 * 4.0)));
  CHECK(out[4998] == doctest::Approx(1e4));
  // A bright frame that has left the run leaves nothing of itself.
  runRootSumSquare(cube.data() + 12 * pixels, 8, pixels, 3, out.data());
  CHECK(out[4998] == doctest::Approx(1));
}
