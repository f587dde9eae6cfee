// Positions interpolated between nodes beside wcslib's own, over the headers of test/fixtures/fits/wcs.
#include "sky/grid.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "sky/frame.h"

using namespace otf;

namespace {

std::string headerOf(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {(std::istreambuf_iterator<char>(stream)), {}};
}

/// As docs/pictures.md tells readers of the grid to do it; NaN beside what is off the sky.
sky::Vector3 interpolated(const sky::SkyGrid& grid, double x, double y) {
  const double u = (x - grid.x0) / grid.stepX, v = (y - grid.y0) / grid.stepY;
  const int i = std::clamp(static_cast<int>(u), 1, grid.columns - 3);
  const int j = std::clamp(static_cast<int>(v), 1, grid.rows - 3);
  const auto weights = [](double t) {
    return std::array<double, 4>{-t * (t - 1) * (t - 2) / 6, (t + 1) * (t - 1) * (t - 2) / 2,
                                 -(t + 1) * t * (t - 2) / 2, (t + 1) * t * (t - 1) / 6};
  };
  const auto wx = weights(u - i), wy = weights(v - j);
  sky::Vector3 sum = {0, 0, 0};
  for (size_t r = 0; r < 4; ++r) {
    for (size_t c = 0; c < 4; ++c) {
      const size_t node = (static_cast<size_t>(j) - 1 + r) * static_cast<size_t>(grid.columns) +
                          static_cast<size_t>(i) - 1 + c;
      for (size_t k = 0; k < 3; ++k) sum[k] += wy[r] * wx[c] * grid.vectors[3 * node + k];
    }
  }
  return sum;
}

}  // namespace

TEST_CASE("the grid is as good as it says, and good for a hundredth of a pixel in images of fields") {
  constexpr int64_t kWidth = 3000, kHeight = 2000;
  int fine = 0, seen = 0, covered = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(OTF_FIXTURES) + "/fits/wcs")) {
    if (entry.path().extension() != ".hdr") continue;
    CAPTURE(entry.path().filename().string());
    const std::array<int, 2> axes = {1, 2};
    std::vector<std::string> warnings;
    const auto wcs = Wcs::fromCards(headerOf(entry.path()), axes.data(), warnings);
    if (!wcs) continue;
    ++seen;
    const sky::SkyGrid grid = sky::skyGrid(*wcs, kWidth, kHeight);
    if (!(grid.maxErrorPx <= 0.01)) continue;
    ++fine;
    int compared = 0;
    for (double y = -0.5; y < kHeight; y += 41.7) {
      for (double x = -0.5; x < kWidth; x += 53.3) {
        const sky::Vector3 v = interpolated(grid, x, y);
        if (std::isnan(v[0])) continue;
        const auto pixel = wcs->skyToPixel(sky::fromIcrs(*wcs, sky::positionOf(v)));
        REQUIRE(pixel.has_value());
        CHECK(std::hypot(pixel->first - x, pixel->second - y) < 0.01);
        ++compared;
      }
    }
    if (compared > 0) ++covered;
  }
  MESSAGE(fine << " of " << seen << " headers");
  CHECK(seen > 10);
  CHECK(fine > 10);
  // Some of the headers are of small all-sky maps, most of which lies beside this many pixels.
  CHECK(covered > 15);
}
