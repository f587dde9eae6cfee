#include "preview/png.h"

#include <png.h>

#include <algorithm>
#include <string>

#include "error/error.h"

namespace otf::preview {
namespace {

/// `fast`: what a person waits for, and never keeps.
png_image imageOf(int width, int height, png_uint_32 format, bool fast) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = format;
  if (fast) image.flags = PNG_IMAGE_FLAG_FAST;
  return image;
}

/// `pixels`: rows one after the other; `palette` may be null.
std::vector<std::byte> write(png_image& image, const void* pixels, const void* palette) {
  png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::vector<std::byte> out(bytes);
  const int done = png_image_write_to_memory(&image, out.data(), &bytes, 0, pixels, 0, palette);
  const std::string message = image.message;
  png_image_free(&image);
  if (done == 0) throw OtfError(Code::kInternal, "the picture cannot be written as PNG: " + message);
  out.resize(bytes);
  return out;
}

static_assert(sizeof(Colour) == 4, "a Colour is an RGBA pixel of libpng");

}  // namespace

std::vector<std::byte> pngOf(const Picture& picture, const Palette& palette) {
  png_image image = imageOf(picture.width, picture.height,
                            PNG_FORMAT_FLAG_COLORMAP | PNG_FORMAT_FLAG_COLOR | PNG_FORMAT_FLAG_ALPHA, true);
  image.colormap_entries = static_cast<png_uint_32>(palette.size());
  return write(image, picture.levels.data(), palette.data());
}

std::vector<std::byte> pngOf(const ColourPicture& picture) {
  const bool opaque =
      std::all_of(picture.pixels.begin(), picture.pixels.end(), [](Colour c) { return c.alpha == 255; });
  if (!opaque) {
    png_image image = imageOf(picture.width, picture.height, PNG_FORMAT_RGBA, false);
    return write(image, picture.pixels.data(), nullptr);
  }
  std::vector<uint8_t> bytes;
  bytes.reserve(picture.pixels.size() * 3);
  for (const Colour c : picture.pixels) bytes.insert(bytes.end(), {c.red, c.green, c.blue});
  png_image image = imageOf(picture.width, picture.height, PNG_FORMAT_RGB, false);
  return write(image, bytes.data(), nullptr);
}

}  // namespace otf::preview
