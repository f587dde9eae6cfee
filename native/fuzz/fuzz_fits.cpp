// Any bytes are an image or an error of this room's kinds: headers, windows, compressed tiles, and the sky behind them.
// What otf-reader does in a process of its own is done here in this one, where a sanitizer sees it.
// OTF_SEEDS names a folder that is filled with one small image for each way a tile may be stored.
#include <cmath>

#include "fits/fits.h"
#include "fits/pixel_unit.h"
#include "fuzz/support.h"
#include "reader/compressed_pixels.h"
#include "reader/tests/compressed_files.h"
#include "sky/wcs.h"

namespace {

using namespace otf;
using fuzz::require;

bool isExpected(Code code) {
  return code == Code::kFitsUnreadable || code == Code::kFitsTruncated || code == Code::kFitsNoImage ||
         code == Code::kWcsInvalid || code == Code::kOutOfMemory;
}

/// Whatever throws here is caught, and has to be one line with an expected code.
template <typename Work>
bool attempt(const Work& work) {
  try {
    work();
    return true;
  } catch (const OtfError& error) {
    require(isExpected(error.code()), "an image fails with a code of images");
    fuzz::requireOneLine(error);
    return false;
  }
}

void checkPixels(const std::vector<float>& pixels) {
  for (const float value : pixels) require(!std::isinf(value), "no pixel is infinite");
}

template <typename Read>
void readCorners(int64_t width, int64_t height, const Read& read) {
  const int64_t columns = std::min<int64_t>(width, 40), rows = std::min<int64_t>(height, 30);
  std::vector<float> out(static_cast<size_t>(columns * rows));
  attempt([&] { read(0, 0, columns, rows, out.data(), columns); });
  checkPixels(out);
  attempt([&] { read(width - columns, height - rows, columns, rows, out.data(), columns); });
  checkPixels(out);
  attempt([&] { read(width / 2, height / 2, 1, 1, out.data(), 1); });
}

void lookUp(const std::string& cards, const int (&axes)[2]) {
  attempt([&] {
    std::vector<std::string> warnings;
    const std::optional<Wcs> wcs = Wcs::fromCards(cards, axes, warnings);
    if (!wcs) return;
    for (const double at : {0.0, 17.5, 1e6}) {
      if (const auto sky = wcs->pixelToSky(at, at)) {
        require(sky->raDeg >= 0 && sky->raDeg < 360, "right ascension is in [0, 360)");
        wcs->skyToPixel(*sky);
      }
      wcs->jacobian(at, at);
    }
  });
}

void readPlain(std::span<const std::byte> bytes) {
  FitsImage image = FitsImage::openMemory(bytes, "fuzz");
  const FitsInfo& info = image.info();
  require(info.cards.size() % 80 == 0, "a header is whole cards");
  readCorners(info.width, info.height, [&](auto... window) { image.readWindow(window...); });
  lookUp(info.cards, info.axes);
  fits::parsePixelUnit(info.bunit);
}

void readCompressed(const fits::ByteSource& source, const fits::ScanResult& scan) {
  const fits::ScannedHdu& hdu = scan.hdus.back();
  // As large as a reader may get is too large for this one.
  if (hdu.compressed.decodingBytes() > fits::kMaxKeptBytes + (int64_t{64} << 20)) return;
  fits::Plane plane;
  plane.at.assign(hdu.dims.size(), 0);
  plane.x = hdu.axes.x;
  plane.y = hdu.axes.y;
  plane.width = hdu.dims[static_cast<size_t>(plane.x)];
  plane.height = hdu.dims[static_cast<size_t>(plane.y)];
  std::vector<std::string> warnings;
  fits::CompressedPixels pixels(source, hdu, plane, fits::readScale(*scan.header, hdu, warnings), scan.padded,
                                "fuzz");
  readCorners(plane.width, plane.height, [&](auto... window) { pixels.read(window...); });
  lookUp(hdu.cards, {plane.x + 1, plane.y + 1});
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  int number = 0;
  for (test::Recipe recipe : test::everyRecipe()) {
    recipe.width = recipe.tileWidth = 24;
    recipe.height = 16;
    const test::Bytes bytes = test::compressedFile(recipe);
    fuzz::writeSeed("compressed-" + std::to_string(number++) + ".fits", std::as_bytes(std::span(bytes)));
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  attempt([&] {
    const std::unique_ptr<fits::ByteSource> source = fits::openMemorySource(bytes);
    const fits::ScanResult scan = fits::scanHeaders(*source, "fuzz", std::nullopt);
    if (scan.hdus.back().kind == fits::ScannedHdu::Kind::kCompressedImage) {
      readCompressed(*source, scan);
    } else {
      readPlain(bytes);
    }
  });
  return 0;
}
