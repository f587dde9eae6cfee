#include "preview/preview.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "error/error.h"

using namespace otf;

TEST_CASE("a preview is the image upside down, smaller, with blanks black") {
  const auto path =
      (std::filesystem::temp_directory_path() / ("otf-preview-" + std::to_string(::getpid()) + ".fits"))
          .string();
  constexpr int kWidth = 100;
  constexpr int kHeight = 60;
  std::vector<float> pixels(kWidth * kHeight);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) pixels[static_cast<size_t>(y * kWidth + x)] = static_cast<float>(y);
  }
  std::fill(pixels.begin() + kWidth * 30, pixels.begin() + kWidth * 34, NAN);
  writeFitsImage(path, kWidth, kHeight, {}, pixels.data());
  FitsImage image = FitsImage::open(path);
  const PreviewPicture half = renderPreview(image, 50);
  CHECK(half.width == 50);
  CHECK(half.height == 30);
  CHECK(half.scale == 2.0);
  CHECK(half.grey[0] == 255);  // top left: last FITS row
  CHECK(half.grey[29 * 50] == 0);
  CHECK(half.grey[static_cast<size_t>(29 - 15) * 50] == 0);  // blanked rows 30, 31
  CHECK(half.grey[static_cast<size_t>(29 - 12) * 50] > 0);
  CHECK(renderPreview(image, 1000).width == kWidth);
  CHECK_THROWS_AS(renderPreview(image, 1), OtfError);
  std::filesystem::remove(path);
}
