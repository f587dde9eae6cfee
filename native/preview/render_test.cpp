#include "preview/render.h"

#include <doctest/doctest.h>
#include <png.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "fits/test_support.h"
#include "preview/marks.h"
#include "preview/png.h"

using namespace otf;
using namespace otf::preview;
using test::TemporaryFolder;

namespace {

/// Rises to the right and to the top; NaN in a patch at the bottom left.
std::vector<float> field(int64_t width, int64_t height) {
  std::vector<float> pixels;
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x)
      pixels.push_back(x < 30 && y < 20 ? NAN : static_cast<float>(x) + 3 * static_cast<float>(y));
  }
  return pixels;
}

/// RGBA rows as libpng reads them.
std::vector<uint8_t> decoded(const std::vector<std::byte>& png, int& width, int& height) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  REQUIRE(png_image_begin_read_from_memory(&image, png.data(), png.size()) != 0);
  image.format = PNG_FORMAT_RGBA;
  std::vector<uint8_t> out(PNG_IMAGE_SIZE(image));
  REQUIRE(png_image_finish_read(&image, nullptr, out.data(), 0, nullptr) != 0);
  width = static_cast<int>(image.width);
  height = static_cast<int>(image.height);
  return out;
}

/// Bytes this process has asked files for (proc(5), /proc/PID/io).
int64_t bytesRead() {
  std::ifstream stream("/proc/self/io");
  std::string name;
  int64_t bytes = 0;
  stream >> name >> bytes;
  REQUIRE(name == "rchar:");
  return bytes;
}

}  // namespace

TEST_CASE("tiles side by side are the whole picture, at every level") {
  const TemporaryFolder folder;
  constexpr int64_t kWidth = 2100, kHeight = 1300;
  writeFitsImage(folder / "field.fits", kWidth, kHeight, {}, field(kWidth, kHeight).data());
  FitsImage image = FitsImage::open(folder / "field.fits");
  const OpenImage open = [&]() -> FitsImage& { return image; };
  const Overview overview = Overview::make(image);
  const int maxLevel = maxLevelOf(kWidth, kHeight);
  CHECK(maxLevel == 3);
  CHECK(maxLevelOf(512, 512) == 0);
  CHECK(maxLevelOf(513, 1) == 1);
  for (int level = 0; level <= maxLevel; ++level) {
    const int64_t step = int64_t{1} << (maxLevel - level);
    const Picture whole = renderWhole(open, overview, blocksOf(kWidth, step), {});
    REQUIRE(whole.step == step);
    std::vector<uint8_t> stitched(whole.levels.size(), 77);
    for (int64_t ty = 0; ty < blocksOf(whole.height, kTilePx); ++ty) {
      for (int64_t tx = 0; tx < blocksOf(whole.width, kTilePx); ++tx) {
        const Picture tile = renderTile(open, overview, {level, tx, ty}, {});
        for (int y = 0; y < tile.height; ++y)
          std::copy_n(tile.levels.begin() + y * tile.width, tile.width,
                      stitched.begin() + (ty * kTilePx + y) * whole.width + tx * kTilePx);
      }
    }
    CHECK(stitched == whole.levels);
  }
  for (const TileAddress& tile :
       {TileAddress{-1, 0, 0}, {4, 0, 0}, {3, 5, 0}, {3, 0, 3}, {3, -1, 0}, {0, 1, 0}}) {
    test::checkFails(Code::kInvalidArgument, "no tile", [&] { renderTile(open, overview, tile, {}); });
  }
  for (const int64_t px : {15, 8193})
    test::checkFails(Code::kInvalidArgument, "not within", [&] { renderWhole(open, overview, px, {}); });
}

TEST_CASE(
    "the top of a picture is the last FITS row, and blanks are see-through or of the colour asked for") {
  const TemporaryFolder folder;
  writeFitsImage(folder / "field.fits", 60, 40, {}, field(60, 40).data());
  FitsImage image = FitsImage::open(folder / "field.fits");
  const OpenImage open = [&]() -> FitsImage& { return image; };
  const Overview overview = Overview::make(image);
  Look look{Stretch::kLinear, {CutsChoice::Kind::kMinMax}, ColourMap::kViridis, {0, 0, 0, 0}};
  const Picture picture = renderTile(open, overview, {0, 0, 0}, look);
  CHECK(picture.levels[59] == 255);     // top right: the largest value
  CHECK(picture.levels[39 * 60] == 0);  // bottom left: blank
  CHECK(picture.levels[0] < picture.levels[59]);
  int width = 0, height = 0;
  const std::vector<uint8_t> clear =
      decoded(pngOf(picture, paletteOf(look.colours, look.blank)), width, height);
  CHECK(width == 60);
  CHECK(height == 40);
  CHECK(clear[39 * 60 * 4 + 3] == 0);
  CHECK(clear[59 * 4] == 0xfd);
  CHECK(clear[59 * 4 + 3] == 255);
  const std::vector<uint8_t> red =
      decoded(pngOf(picture, paletteOf(look.colours, {255, 0, 0})), width, height);
  CHECK(red[39 * 60 * 4] == 255);
  CHECK(red[39 * 60 * 4 + 3] == 255);
}

TEST_CASE("pictures of a compressed image are those of its pixels") {
  const TemporaryFolder folder;
  const std::string path = test::fixture("compressed.fits");
  const std::vector<ImageHdu> images = [&] {
    std::vector<std::string> warnings;
    return listImages(path, "", 100, warnings);
  }();
  REQUIRE(images.size() > 5);
  for (const ImageHdu& each : images) {
    CAPTURE(each.hdu);
    FitsImage compressed = FitsImage::open(path, {each.hdu});
    std::vector<float> pixels(static_cast<size_t>(each.width * each.height));
    compressed.readWindow(0, 0, each.width, each.height, pixels.data(), each.width);
    writeFitsImage(folder / "plain.fits", each.width, each.height, {}, pixels.data());
    FitsImage plain = FitsImage::open(folder / "plain.fits");
    const Overview a = Overview::make(compressed), b = Overview::make(plain);
    CHECK(a.statistics().zscale.low == b.statistics().zscale.low);
    CHECK(renderTile([&]() -> FitsImage& { return compressed; }, a, {0, 0, 0}, {}).levels ==
          renderTile([&]() -> FitsImage& { return plain; }, b, {0, 0, 0}, {}).levels);
  }
}

TEST_CASE("a tile reads the pixels it shows, and one of a coarse level none of the image") {
  const TemporaryFolder folder;
  constexpr int64_t kSide = 4096;
  writeFitsImage(folder / "large.fits", kSide, kSide, {}, std::vector<float>(kSide * kSide, 1).data());
  FitsImage image = FitsImage::open(folder / "large.fits");
  const Overview overview = Overview::make(image);
  const int maxLevel = maxLevelOf(kSide, kSide);
  REQUIRE(maxLevel == 3);
  const auto read = [&](int level) {
    FitsImage opened = FitsImage::open(folder / "large.fits");
    const int64_t before = bytesRead();
    renderTile([&]() -> FitsImage& { return opened; }, overview, {level, 0, 0}, {});
    return bytesRead() - before;
  };
  constexpr int64_t kFull = int64_t{kTilePx} * kTilePx * 4;
  constexpr int64_t kMargin = 1 << 14;  // the counter's own file
  CHECK(read(3) <= kFull + kMargin);
  CHECK(read(2) <= 4 * kFull + kMargin);
  CHECK(read(1) <= 16 * kFull + kMargin);
  CHECK(read(0) <= kMargin);
}

TEST_CASE("marks lie where the sources are, and nothing is drawn outside") {
  Picture picture{100, 80, 2, std::vector<uint8_t>(8000, 1)};
  ColourPicture drawn = coloured(picture, paletteOf(ColourMap::kGrey, {}));
  const auto at = [&](int x, int y) { return drawn.pixels[static_cast<size_t>(y * 100 + x)]; };
  using Shape = Mark::Shape;
  // Image of 200 x 160 pixels: its pixel (100.5, 79.5) is the middle of the picture's (50, 39.5 from the top).
  draw(drawn,
       {{Shape::kEllipse, 100.5, 80.5, 40, 20, 0},
        {Shape::kBox, 20.5, 140.5, 20, 10, 0},
        {Shape::kEllipse, NAN, 0, 1, 1, 0},
        {Shape::kEllipse, 1e9, -1e9, 5, 5, 0},
        {Shape::kBox, 199, 0, 1e7, 3, 0}},
       2, 160);
  CHECK(at(70, 39) == kEllipseColour);  // semi-axis 40 image pixels to the right
  CHECK(at(50, 29).green > 128);        // 20 upwards
  CHECK(at(50, 39) == Colour{0, 0, 0});
  CHECK(at(20, 9).red > 128);
  CHECK(at(10, 4).red > 128);
  int width = 0, height = 0;
  const std::vector<uint8_t> rgba = decoded(pngOf(drawn), width, height);
  CHECK(width == 100);
  CHECK(rgba[(39 * 100 + 70) * 4 + 1] == 255);
}
