// Pixels against astropy: every fixture of test/fixtures/fits/images.txt,
// from file and from memory, whole and by window.
#include <sys/resource.h>

#include <array>
#include <cmath>
#include <cstring>
#include <sstream>
#include <thread>

#include "fits/fits.h"
#include "fits/test_support.h"

namespace otf {
namespace {

using namespace test;

struct Expected {
  std::string name;
  int hdu = 0;
  int64_t plane = 0, width = 0, height = 0, planes = 0;
  int axes[2] = {0, 0};
  int bitpix = 0, compressed = 0;
  double tolerance = 0;
  std::vector<float> pixels;
};

std::vector<Expected> readExpected() {
  std::ifstream stream(fixture("images.txt"));
  std::vector<Expected> all;
  for (std::string line; std::getline(stream, line);) {
    Expected e;
    std::istringstream(line) >> e.name >> e.hdu >> e.plane >> e.width >> e.height >> e.planes >> e.axes[0] >>
        e.axes[1] >> e.bitpix >> e.compressed >> e.tolerance;
    const auto bytes =
        readBytes(fixture(e.name + "." + std::to_string(e.hdu) + "." + std::to_string(e.plane) + ".f32"));
    e.pixels.resize(bytes.size() / sizeof(float));
    std::memcpy(e.pixels.data(), bytes.data(), bytes.size());
    REQUIRE(e.pixels.size() == static_cast<size_t>(e.width * e.height));
    all.push_back(std::move(e));
  }
  REQUIRE(all.size() > 30);
  return all;
}

bool same(float got, float want, double tolerance) {
  if (std::isnan(want)) return std::isnan(got);
  return std::abs(static_cast<double>(got) - want) <= tolerance * std::abs(want);
}

/// Every window in a set that covers corners, single pixels, bands and strides.
void checkPixels(FitsImage& image, const Expected& e) {
  struct Window {
    int64_t x, y, columns, rows, stride;
  };
  const int64_t w = e.width, h = e.height;
  const std::vector<Window> windows = {{0, 0, w, h, w},         {0, 0, w, h, w + 3},
                                       {0, h - 1, w, 1, w},     {w - 1, h - 1, 1, 1, 1},
                                       {1, 1, w - 2, h - 2, w}, {w / 2, 0, w - w / 2, h, w}};
  for (const Window& v : windows) {
    if (v.columns < 1 || v.rows < 1) continue;
    CAPTURE(v.x);
    CAPTURE(v.y);
    CAPTURE(v.columns);
    CAPTURE(v.rows);
    const float guard = -12345.0F;
    std::vector<float> out(static_cast<size_t>(v.rows * v.stride), guard);
    image.readWindow(v.x, v.y, v.columns, v.rows, out.data(), v.stride);
    int wrong = 0;
    for (int64_t r = 0; r < v.rows; ++r) {
      for (int64_t c = 0; c < v.stride; ++c) {
        const float got = out[static_cast<size_t>(r * v.stride + c)];
        const float want = c < v.columns ? e.pixels[static_cast<size_t>((v.y + r) * w + v.x + c)] : guard;
        if (!same(got, want, e.tolerance)) ++wrong;
      }
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("every fixture reads as astropy reads it") {
  for (const Expected& e : readExpected()) {
    CAPTURE(e.name);
    CAPTURE(e.hdu);
    CAPTURE(e.plane);
    const FitsSelect select{e.hdu, e.plane};
    const std::string path = fixture(e.name + ".fits");
    const std::vector<std::byte> bytes = readBytes(path);
    FitsImage fromFile = FitsImage::open(path, select);
    FitsImage fromMemory = FitsImage::openMemory(bytes, e.name, select);
    for (FitsImage* image : {&fromFile, &fromMemory}) {
      const FitsInfo& info = image->info();
      CHECK(info.width == e.width);
      CHECK(info.height == e.height);
      CHECK(info.planes == e.planes);
      CHECK(info.axes[0] == e.axes[0]);
      CHECK(info.axes[1] == e.axes[1]);
      CHECK(info.bitpix == e.bitpix);
      CHECK(info.compressed == (e.compressed != 0));
      CHECK(info.hdu == e.hdu);
      CHECK(info.cards.size() % 80 == 0);
      CHECK(info.cards.substr(info.cards.size() - 80, 4) == "END ");
      checkPixels(*image, e);
    }
  }
}

TEST_CASE("without a choice the first HDU with two axes longer than 1 is taken") {
  CHECK(FitsImage::open(fixture("multi.fits")).info().hdu == 2);
  CHECK(FitsImage::open(fixture("multi.fits")).info().extname == "SCI");
  CHECK(FitsImage::open(fixture("compressed.fits")).info().hdu == 1);
}

TEST_CASE("a compressed image gives its keywords as an image's") {
  const FitsImage image = FitsImage::open(fixture("compressed.fits"));
  CHECK(image.info().bunit == "Jy/beam");
  REQUIRE(image.info().beam.has_value());
  CHECK(image.info().beam->bmajDeg == doctest::Approx(0.002));
  CHECK(image.info().cards.find("ZNAXIS") == std::string::npos);
  CHECK(image.info().cards.find("NAXIS1  =                   24") != std::string::npos);
}

TEST_CASE("HDUs and planes that are not there are named") {
  const auto open = [](const char* name, std::optional<int> hdu, int64_t plane = 0) {
    return [=] { FitsImage::open(fixture(name), {hdu, plane}); };
  };
  checkFails(Code::kFitsNoImage, "HDU 1 'EVENTS' (table)", open("tables_only.fits", std::nullopt));
  checkFails(Code::kFitsNoImage, "image of 10 pixels", open("one_axis.fits", std::nullopt));
  checkFails(Code::kFitsNoImage, "HDU 0 (no data)", open("no_data.fits", std::nullopt));
  checkFails(Code::kFitsNoImage, "has no HDU 9", open("multi.fits", 9));
  checkFails(Code::kFitsNoImage, "has no HDU -1", open("multi.fits", -1));
  checkFails(Code::kFitsNoImage, "'EVENTS' (table) is not an image", open("multi.fits", 1));
  checkFails(Code::kFitsNoImage, "has no plane 6; it has 6", open("planes.fits", 0, 6));
  checkFails(Code::kFitsNoImage, "has no plane -1", open("planes.fits", 0, -1));
}

TEST_CASE("a window outside the image is refused") {
  FitsImage image = FitsImage::open(fixture("bitpix16.fits"));
  std::vector<float> out(1000);
  using Window = std::array<int64_t, 4>;
  for (const Window& v : {Window{-1, 0, 2, 2}, Window{0, -1, 2, 2}, Window{8, 0, 2, 1}, Window{0, 6, 1, 2},
                          Window{0, 0, 10, 1}, Window{0, 0, -1, 1}, Window{INT64_MAX, 0, 1, 1}}) {
    checkFails(Code::kInvalidArgument, "outside the image",
               [&] { image.readWindow(v[0], v[1], v[2], v[3], out.data(), 20); });
  }
  checkFails(Code::kInvalidArgument, "outside the image",
             [&] { image.readWindow(0, 0, 4, 4, out.data(), 3); });
}

TEST_CASE("file names are literal") {
  const TemporaryFolder folder;
  for (const char* name :
       {"a[1].fits", "a.fits+1", "x(y).fits", "!new.fits", "#hash.fits", "mem:x.fits", "-"}) {
    const std::string path = folder / name;
    std::filesystem::copy_file(fixture("bitpix16.fits"), path);
    CHECK(FitsImage::open(path).info().width == 9);
  }
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(std::filesystem::path(folder / "x").parent_path());
  for (const char* name : {"~root", " blank.fits", "http:a"}) {
    std::filesystem::copy_file(fixture("bitpix16.fits"), folder / name);
    CHECK(FitsImage::open(name).info().width == 9);
  }
  std::filesystem::current_path(before);
}

TEST_CASE("several images are read from several threads at once") {
  const std::vector<Expected> all = readExpected();
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int repeat = 0; repeat < 10; ++repeat) {
        for (const Expected& e : all) {
          FitsImage image = FitsImage::open(fixture(e.name + ".fits"), {e.hdu, e.plane});
          std::vector<float> out(e.pixels.size());
          image.readWindow(0, 0, e.width, e.height, out.data(), e.width);
          for (size_t i = 0; i < out.size(); ++i) wrong[t] += same(out[i], e.pixels[i], e.tolerance) ? 0 : 1;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : wrong) CHECK(count == 0);
}

TEST_CASE("of a file that is still being written the rows that are there are read, and no others") {
  const TemporaryFolder folder;
  constexpr int64_t kWidth = 50, kHeight = 40;
  std::vector<float> pixels(kWidth * kHeight);
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<float>(i);
  writeFitsImage(folder / "whole.fits", kWidth, kHeight, {}, pixels.data());
  const std::vector<std::byte> whole = readBytes(folder / "whole.fits");
  const uint64_t needed = FitsImage::open(folder / "whole.fits").bytesOfRows(25);
  const std::string path = folder / "part.fits";
  writeBytes(path, {whole.begin(), whole.begin() + static_cast<int64_t>(needed)});

  checkFails(Code::kFitsTruncated, "the header promises", [&] { FitsImage::open(path); });
  FitsImage image = FitsImage::open(path, {.hdu = std::nullopt, .fileBytes = whole.size()});
  std::vector<float> out(kWidth * 25);
  image.readWindow(0, 0, kWidth, 25, out.data(), kWidth);
  CHECK(std::equal(out.begin(), out.end(), pixels.begin()));
  checkFails(Code::kFitsTruncated, "cannot be read",
             [&] { image.readWindow(kWidth - 1, 25, 1, 1, out.data(), 1); });
  // The same descriptor, once more has come.
  writeBytes(path, whole);
  image.readWindow(0, kHeight - 25, kWidth, 25, out.data(), kWidth);
  CHECK(std::equal(out.begin(), out.end(), pixels.end() - kWidth * 25));
  // One byte less, and the last pixel needed is not there.
  writeBytes(path, {whole.begin(), whole.begin() + static_cast<int64_t>(needed) - 1});
  FitsImage less = FitsImage::open(path, {.hdu = std::nullopt, .fileBytes = whole.size()});
  checkFails(Code::kFitsTruncated, "cannot be read",
             [&] { less.readWindow(0, 24, kWidth, 1, out.data(), kWidth); });
}

/// A window near the end of a sparse file of 40 GB, of which the file system holds a few blocks.
void checkLargeFile(int64_t paddingBytes, size_t warnings) {
  const TemporaryFolder folder;
  const std::string path = folder / "large.fits";
  constexpr int64_t kSide = 100000;
  std::string header;
  for (const char* line :
       {"SIMPLE  =                    T", "BITPIX  =                  -32", "NAXIS   =                    2",
        "NAXIS1  =               100000", "NAXIS2  =               100000", "END"}) {
    header += line + std::string(80 - std::strlen(line), ' ');
  }
  header.resize(2880, ' ');
  std::ofstream(path, std::ios::binary) << header;
  std::error_code refused;
  std::filesystem::resize_file(path, static_cast<uintmax_t>(2880 + kSide * kSide * 4 + paddingBytes),
                               refused);
  REQUIRE_MESSAGE(!refused, refused.message());
  {
    std::fstream stream(path, std::ios::binary | std::ios::in | std::ios::out);
    stream.seekp(2880 + (kSide * (kSide - 2) + kSide - 3) * 4);
    stream.write("\x3f\x80\x00\x00\x40\x00\x00\x00", 8);  // 1.0, 2.0 big-endian
  }
  const auto peakRssKb = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  };
  const long before = peakRssKb();
  FitsImage image = FitsImage::open(path);
  CHECK(image.info().width == kSide);
  CHECK(image.info().warnings.size() == warnings);
  std::vector<float> out(12);
  image.readWindow(kSide - 4, kSide - 3, 4, 3, out.data(), 4);
  CHECK(out == std::vector<float>{0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0});
  CHECK(peakRssKb() - before < 16 * 1024);
}

TEST_CASE("a window near the end of a 40 GB file costs a window") {
  constexpr int64_t kDataBytes = int64_t{100000} * 100000 * 4;
  checkLargeFile(2880 - kDataBytes % 2880, 0);
  checkLargeFile(0, 1);  // without padding: read through a mapping
}

}  // namespace
}  // namespace otf
