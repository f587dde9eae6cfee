#include "preview/overview.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "fits/test_support.h"
#include "preview/reduce.h"
#include "preview/zscale.h"

using namespace otf;
using namespace otf::preview;
using test::TemporaryFolder;

namespace {

/// A slope with some noise; every `hole`-th pixel is blank (0: none).
std::vector<float> field(int64_t width, int64_t height, int hole) {
  std::vector<float> pixels(static_cast<size_t>(width * height));
  uint32_t state = 1;
  for (size_t i = 0; i < pixels.size(); ++i) {
    state = state * 1664525 + 1013904223;
    pixels[i] =
        static_cast<float>(i % static_cast<size_t>(width)) + static_cast<float>(state >> 8) / (1 << 20);
    if (hole > 0 && i % static_cast<size_t>(hole) == 0) pixels[i] = NAN;
  }
  return pixels;
}

/// The mean of the finite pixels of a block counted from the top left, as the definition says.
float blockMean(const std::vector<float>& pixels, int64_t width, int64_t height, int64_t step, int64_t column,
                int64_t row) {
  double sum = 0;
  int count = 0;
  for (int64_t r = row * step; r < std::min(height, (row + 1) * step); ++r) {
    for (int64_t c = column * step; c < std::min(width, (column + 1) * step); ++c) {
      const float value = pixels[static_cast<size_t>((height - 1 - r) * width + c)];
      if (std::isnan(value)) continue;
      sum += value;
      ++count;
    }
  }
  return count == 0 ? NAN : static_cast<float>(sum / count);
}

bool same(float a, float b) { return std::isnan(a) ? std::isnan(b) : a == doctest::Approx(b).epsilon(1e-6); }

FitsImage written(const std::string& path, int64_t width, int64_t height, const std::vector<float>& pixels) {
  writeFitsImage(path, width, height, {}, pixels.data());
  return FitsImage::open(path);
}

}  // namespace

TEST_CASE("blocks are means of finite pixels, from the image and from its overview") {
  const TemporaryFolder folder;
  constexpr int64_t kWidth = 83, kHeight = 61;
  std::vector<float> pixels = field(kWidth, kHeight, 3);
  for (int64_t y = 0; y < 20; ++y) std::fill_n(pixels.begin() + y * kWidth + 16, 24, NAN);
  FitsImage image = written(folder / "field.fits", kWidth, kHeight, pixels);
  const Overview overview = Overview::make(image);
  for (const int64_t step : {1, 2, 5, 8, 16, 64, 128}) {
    CAPTURE(step);
    const Blocks all{step, 0, 0, blocksOf(kWidth, step), blocksOf(kHeight, step)};
    const std::vector<float> means = step % overview.step() == 0 ? overview.means(all) : meansOf(image, all);
    REQUIRE(means.size() == static_cast<size_t>(all.columns * all.rows));
    for (int64_t row = 0; row < all.rows; ++row) {
      for (int64_t column = 0; column < all.columns; ++column)
        CHECK(same(means[static_cast<size_t>(row * all.columns + column)],
                   blockMean(pixels, kWidth, kHeight, step, column, row)));
    }
  }
  const std::vector<float> part = meansOf(image, {2, 3, 5, 4, 7});
  CHECK(same(part[0], blockMean(pixels, kWidth, kHeight, 2, 3, 5)));
  CHECK(same(part[27], blockMean(pixels, kWidth, kHeight, 2, 6, 11)));
}

TEST_CASE("statistics of a plane are those of its finite pixels, in more than one band") {
  const TemporaryFolder folder;
  // Larger than a band and than the sample, with and without blanks.
  constexpr int64_t kWidth = 1500, kHeight = 1100;
  for (const int hole : {0, 7}) {
    CAPTURE(hole);
    const std::vector<float> pixels = field(kWidth, kHeight, hole);
    FitsImage image = written(folder / "field.fits", kWidth, kHeight, pixels);
    const Overview overview = Overview::make(image);
    std::vector<float> finite;
    std::copy_if(pixels.begin(), pixels.end(), std::back_inserter(finite),
                 [](float v) { return !std::isnan(v); });
    const PlaneStatistics& found = overview.statistics();
    CHECK(found.finite == static_cast<int64_t>(finite.size()));
    CHECK(found.blank == kWidth * kHeight - found.finite);
    CHECK(found.min == *std::min_element(finite.begin(), finite.end()));
    CHECK(found.max == *std::max_element(finite.begin(), finite.end()));
    const double mean =
        std::accumulate(finite.begin(), finite.end(), 0.0) / static_cast<double>(finite.size());
    double squares = 0;
    for (const float v : finite) squares += (v - mean) * (v - mean);
    CHECK(found.mean == doctest::Approx(mean).epsilon(1e-10));
    CHECK(found.std ==
          doctest::Approx(std::sqrt(squares / static_cast<double>(finite.size()))).epsilon(1e-10));
    // astropy: values[::stride][:1000] of the finite ones.
    std::vector<float> sample;
    for (size_t i = 0; i < finite.size() && sample.size() < 1000; i += finite.size() / 1000)
      sample.push_back(finite[i]);
    std::sort(sample.begin(), sample.end());
    CHECK(found.zscale.low == zscale(sample)->low);
    CHECK(found.zscale.high == zscale(sample)->high);
    CHECK(overview.sorted().size() == (finite.size() + 1) / 2);
    CHECK(std::is_sorted(overview.sorted().begin(), overview.sorted().end()));
  }
}

TEST_CASE("an overview comes back from its file, and a file that is none is refused") {
  const TemporaryFolder folder;
  const std::vector<float> pixels = field(300, 200, 5);
  FitsImage image = written(folder / "field.fits", 300, 200, pixels);
  const Overview made = Overview::make(image);
  made.save(folder / "overview");
  CHECK(folder.entries() == 2);
  const Overview read = Overview::open(folder / "overview");
  const Blocks all{16, 0, 0, 19, 13};
  CHECK(read.statistics().zscale.high == made.statistics().zscale.high);
  CHECK(read.width() == 300);
  const std::vector<float> a = read.means(all), b = made.means(all);
  CHECK(std::equal(a.begin(), a.end(), b.begin(), [](float x, float y) { return same(x, y); }));
  CHECK(read.sorted().size() == made.sorted().size());

  std::vector<std::byte> bytes = test::readBytes(folder / "overview");
  bytes.pop_back();
  test::writeBytes(folder / "cut", bytes);
  test::checkFails(Code::kInternal, "no overview", [&] { Overview::open(folder / "cut"); });
  test::checkFails(Code::kInternal, "no overview", [&] { Overview::open(folder / "field.fits"); });
  test::checkFails(Code::kOutputUnwritable, "no/such", [&] { made.save(folder / "no/such/place"); });
}

TEST_CASE("cuts are what was chosen, and refused when they are none") {
  const TemporaryFolder folder;
  std::vector<float> pixels(100);
  std::iota(pixels.begin(), pixels.end(), 0.0F);
  FitsImage image = written(folder / "ramp.fits", 10, 10, pixels);
  const Overview overview = Overview::make(image);
  using Kind = CutsChoice::Kind;
  CHECK(overview.cuts({Kind::kMinMax}).low == 0);
  CHECK(overview.cuts({Kind::kMinMax}).high == 99);
  CHECK(overview.cuts({Kind::kPercentile, 10, 90}).low == doctest::Approx(9.9));
  CHECK(overview.cuts({Kind::kPercentile, 10, 90}).high == doctest::Approx(89.1));
  CHECK(overview.cuts({Kind::kValues, -5, 5}).high == 5);
  test::checkFails(Code::kInvalidArgument, "not below", [&] { overview.cuts({Kind::kValues, 5, 5}); });
  test::checkFails(Code::kInvalidArgument, "not below", [&] { overview.cuts({Kind::kValues, NAN, 5}); });
  test::checkFails(Code::kInvalidArgument, "0 to 100", [&] { overview.cuts({Kind::kPercentile, -1, 5}); });
  test::checkFails(Code::kInvalidArgument, "0 to 100", [&] { overview.cuts({Kind::kPercentile, 1, 101}); });

  const std::vector<float> nothing(100, NAN);
  FitsImage blank = written(folder / "blank.fits", 10, 10, nothing);
  const Overview empty = Overview::make(blank);
  CHECK(empty.statistics().finite == 0);
  CHECK(empty.sorted().empty());
  CHECK(empty.cuts({Kind::kZscale}).high == 0);
  CHECK(empty.cuts({}).high == 0);
}
