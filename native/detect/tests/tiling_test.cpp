#include "detect/tiling.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "detect/tests/fixtures.h"
#include "detect/tile_source.h"

using namespace otf;

namespace {

std::vector<int32_t> allTiles(const TileLayout& layout) {
  std::vector<int32_t> tiles(static_cast<size_t>(layout.tiles()));
  std::iota(tiles.begin(), tiles.end(), 0);
  return tiles;
}

}  // namespace

TEST_CASE("the published tiling of SDC1") {
  const AxisTiling axis = tileAxis(32768, 512, 32);
  CHECK(axis.count == 69);
  CHECK(axis.offsetPx == 192);
  CHECK(axis.begin(0) == -192);
}

TEST_CASE("tiling and offsets of the conformance fields") {
  for (const std::string name : {"field-230x180", "field-600x500"}) {
    const std::string json = test::readText(test::fixture(name + "/expected.json"));
    const auto image = test::jsonNumbers(json, "image"), tiles = test::jsonNumbers(json, "tiles");
    const auto offset = test::jsonNumbers(json, "offset");
    const TileLayout layout =
        layoutTiles({0, 0, static_cast<int64_t>(image[0]), static_cast<int64_t>(image[1])},
                    static_cast<int>(test::jsonNumbers(json, "tile")[0]),
                    static_cast<int>(test::jsonNumbers(json, "overlap")[0]));
    CHECK(layout.columns.count == tiles[0]);
    CHECK(layout.rows.count == tiles[1]);
    CHECK(layout.rows.offsetPx == offset[0]);
    CHECK(layout.columns.offsetPx == offset[1]);
  }
}

TEST_CASE("tiles cover every pixel, follow the formula, and none is needless") {
  for (const int tile : {1, 16, 48, 256}) {
    for (const int overlap : {0, tile / 8, tile / 2, tile - 1}) {
      for (int64_t n = 1; n <= 700; n += 1 + n / 40) {
        CAPTURE(tile);
        CAPTURE(overlap);
        CAPTURE(n);
        const int step = tile - overlap;
        const AxisTiling axis = tileAxis(n, tile, overlap);
        const auto count = std::max<int64_t>(1, static_cast<int64_t>(std::ceil(double(n - overlap) / step)));
        REQUIRE(axis.count == count);
        REQUIRE(axis.offsetPx == static_cast<int64_t>(std::floor(double(count * step + overlap - n) / 2)));
        REQUIRE(axis.begin(0) <= 0);
        REQUIRE(axis.begin(count - 1) + tile >= n);
        for (int64_t i = 1; i < count; ++i) REQUIRE(axis.begin(i) <= axis.begin(i - 1) + tile);
      }
    }
  }
}

TEST_CASE("more tiles than can be numbered are refused") {
  const int64_t huge = int64_t{1} << 40;
  CHECK(test::codeOf([&] { layoutTiles({0, 0, huge, huge}, 16, 15); }) == Code::kDetectorConfig);
  CHECK(test::codeOf([&] { layoutTiles({0, 0, 100000, 100000}, 16, 15); }) == Code::kDetectorConfig);
}

namespace {

struct TestImage {
  int64_t width, height;
  std::vector<float> pixels;
  mutable std::vector<int> rowReads;

  TestImage(int64_t w, int64_t h, uint32_t seed) : width(w), height(h), rowReads(static_cast<size_t>(h), 0) {
    std::mt19937 random(seed);
    for (int64_t i = 0; i < w * h; ++i) {
      const uint32_t r = random();
      pixels.push_back(r % 29 == 0 ? std::nanf("") : r % 31 == 0 ? 0.0F : static_cast<float>(r) / 4e9F);
    }
  }
  PixelPlane plane() const {
    return {[this](int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* out, int64_t stride) {
              REQUIRE((x0 >= 0 && y0 >= 0 && columns > 0 && rows > 0 && x0 + columns <= width &&
                       y0 + rows <= height));
              for (int64_t y = 0; y < rows; ++y) {
                ++rowReads[static_cast<size_t>(y0 + y)];
                std::copy_n(pixels.data() + (y0 + y) * width + x0, columns, out + y * stride);
              }
            },
            1};
  }
};

float directPixel(const TestImage& image, const TileLayout& layout, int64_t tile, int64_t y, int64_t x) {
  const int64_t ix = layout.columns.begin(layout.column(tile)) + x,
                iy = layout.rows.begin(layout.row(tile)) + y;
  if (ix < 0 || iy < 0 || ix >= layout.region.width || iy >= layout.region.height) return 0;
  const float value =
      image.pixels[static_cast<size_t>((layout.region.y + iy) * image.width + layout.region.x + ix)];
  return std::isnan(value) ? 0 : value * 2;
}

}  // namespace

TEST_CASE("every tile's pixels equal the direct formula, and every row is read once") {
  constexpr uint32_t kSeed = 20261121;
  MESSAGE("seed " << kSeed);
  std::mt19937 random(kSeed);
  NormalisePlan plan;
  plan.operations = {{NormalisePlan::Operation::Kind::kScale, 2, 0}};
  for (int trial = 0; trial < 60; ++trial) {
    const TestImage image(1 + random() % 90, 1 + random() % 90, random());
    Region region{int64_t(random() % image.width), int64_t(random() % image.height), 0, 0};
    region.width = 1 + int64_t(random() % (image.width - region.x));
    region.height = 1 + int64_t(random() % (image.height - region.y));
    const int tile = 1 + int(random() % 40), overlap = int(random() % tile);
    const TileLayout layout = layoutTiles(region, tile, overlap);
    CAPTURE(region.width);
    CAPTURE(region.height);
    CAPTURE(tile);
    CAPTURE(overlap);
    TileSource source(image.plane(), layout, allTiles(layout), plan, nullptr);
    std::vector<float> tiles(static_cast<size_t>(layout.tiles() * layout.tilePixels()), -1.0F);
    for (int64_t first = 0; first < layout.tiles();) {
      const int count = int(std::min<int64_t>(1 + random() % 7, layout.tiles() - first));
      source.fill(first, count, tiles.data() + first * layout.tilePixels());
      first += count;
    }
    int64_t wrong = 0, blanked = 0, zero = 0;
    for (int64_t t = 0, i = 0; t < layout.tiles(); ++t) {
      for (int64_t y = 0; y < tile; ++y) {
        for (int64_t x = 0; x < tile; ++x, ++i)
          wrong += tiles[size_t(i)] != directPixel(image, layout, t, y, x);
      }
    }
    CHECK(wrong == 0);
    for (int64_t y = 0; y < image.height; ++y) {
      const bool inside = y >= region.y && y < region.y + region.height;
      REQUIRE(image.rowReads[size_t(y)] == (inside ? 1 : 0));
      for (int64_t x = region.x; inside && x < region.x + region.width; ++x) {
        const float value = image.pixels[size_t(y * image.width + x)];
        blanked += std::isnan(value), zero += value == 0;
      }
    }
    CHECK(source.counts().pixels == region.width * region.height);
    CHECK(source.counts().blanked == blanked);
    CHECK(source.counts().zero == zero);
  }
}

TEST_CASE("tiles may be left out but not asked for again") {
  const TestImage image(100, 300, 3);
  const TileLayout layout = layoutTiles({0, 0, 100, 300}, 32, 4);
  TileSource source(image.plane(), layout, allTiles(layout), {}, nullptr);
  std::vector<float> tile(static_cast<size_t>(layout.tilePixels()));
  const int64_t last = layout.tiles() - 1;
  source.fill(last, 1, tile.data());
  CHECK(image.rowReads[0] == 0);
  CHECK(image.rowReads[299] == 1);
  CHECK(test::codeOf([&] { source.fill(0, 1, tile.data()); }) == Code::kInternal);
  CHECK(test::codeOf([&] { source.fill(last + 1, 1, tile.data()); }) == Code::kInternal);
}

TEST_CASE("a cancelled source stops before it reads") {
  const TestImage image(64, 64, 4);
  std::atomic<bool> cancel{true};
  const TileLayout layout = layoutTiles({0, 0, 64, 64}, 32, 4);
  TileSource source(image.plane(), layout, allTiles(layout), {}, &cancel);
  std::vector<float> tile(static_cast<size_t>(layout.tilePixels()));
  CHECK(test::codeOf([&] { source.fill(0, 1, tile.data()); }) == Code::kCancelled);
  CHECK(test::codeOf([&] { passOver(image.plane(), {0, 0, 64, 64}, &cancel)([](auto) {}); }) ==
        Code::kCancelled);
  CHECK(*std::max_element(image.rowReads.begin(), image.rowReads.end()) == 0);
}
