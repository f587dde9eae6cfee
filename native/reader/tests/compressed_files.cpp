#include "reader/tests/compressed_files.h"

#include <fitsio.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "reader/compressed_pixels.h"

namespace otf::test {
namespace {

void require(bool holds, const std::string& what) {
  if (!holds) throw std::logic_error(what);
}

uint32_t bigEndian(const Bytes& file, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | std::to_integer<uint32_t>(file.at(at + i));
  return value;
}

}  // namespace

std::vector<Recipe> everyRecipe() {
  return {{"Rice, 8 bit", RICE_1, 8},
          {"Rice, 16 bit", RICE_1, 16},
          {"Rice, 32 bit", RICE_1, 32},
          {"Rice, quantised", RICE_1, -32},
          {"Rice, quantised doubles", RICE_1, -64},
          {"gzip, 8 bit", GZIP_1, 8},
          {"gzip, 16 bit", GZIP_1, 16},
          {"gzip, quantised", GZIP_1, -32},
          {"gzip, floats", GZIP_1, -32, false},
          {"shuffled gzip, 32 bit", GZIP_2, 32},
          {"shuffled gzip, floats", GZIP_2, -32, false},
          {"shuffled gzip, doubles", GZIP_2, -64, false},
          {"HCOMPRESS, 16 bit", HCOMPRESS_1, 16},
          {"HCOMPRESS, 32 bit", HCOMPRESS_1, 32},
          {"HCOMPRESS, quantised", HCOMPRESS_1, -32},
          {"PLIO, 16 bit", PLIO_1, 16}};
}

/// A sky: noise, a source, a slope.
std::vector<float> pixelsOf(const Recipe& r) {
  std::vector<float> pixels(static_cast<size_t>(r.width * r.height));
  uint32_t random = 12345;
  for (size_t i = 0; i < pixels.size(); ++i) {
    random = random * 1664525U + 1013904223U;
    const auto x = static_cast<double>(static_cast<long>(i) % r.width - 20),
               y = static_cast<double>(static_cast<long>(i) / r.width - 12);
    const double value = (random >> 16) % 64 + 2000 * std::exp(-(x * x + y * y) / 20);
    // PLIO is for masks, 0 and above.
    pixels[i] = static_cast<float>(r.bitpix < 0 ? value / 1000
                                                : std::floor(r.bitpix == 8 ? std::fmod(value, 200) : value));
  }
  return pixels;
}

Bytes compressedFile(const Recipe& r) {
  void* memory = std::malloc(2880);
  size_t bytes = 2880;
  fitsfile* file = nullptr;
  int status = 0;
  long size[2] = {r.width, r.height}, tile[2] = {r.tileWidth, r.tileHeight};
  std::vector<float> pixels = pixelsOf(r);
  fits_create_memfile(&file, &memory, &bytes, 2880, std::realloc, &status);
  fits_set_compression_type(file, r.algorithm, &status);
  fits_set_tile_dim(file, 2, tile, &status);
  fits_set_quantize_level(file, r.quantised ? 4.0F : 9999.0F, &status);
  fits_create_img(file, r.bitpix, 2, size, &status);
  // CFITSIO compresses values of the image's own type only.
  const auto write = [&](auto value, int type) {
    std::vector<decltype(value)> own(pixels.begin(), pixels.end());
    fits_write_img(file, type, 1, r.width * r.height, own.data(), &status);
  };
  if (r.bitpix == 8) write(uint8_t{}, TBYTE);
  if (r.bitpix == 16) write(int16_t{}, TSHORT);
  if (r.bitpix == 32) write(int32_t{}, TINT);
  if (r.bitpix == -32) write(float{}, TFLOAT);
  if (r.bitpix == -64) write(double{}, TDOUBLE);
  fits_flush_file(file, &status);
  require(status == 0, r.name);
  const auto* begin = static_cast<const std::byte*>(memory);
  Bytes made(begin, begin + bytes);
  fits_close_file(file, &status);
  std::free(memory);
  return made;
}

Descriptor streamOf(const Bytes& file, int tile) {
  const std::unique_ptr<fits::ByteSource> source = fits::openMemorySource(file);
  const fits::ScanResult scan = fits::scanHeaders(*source, "made", std::nullopt);
  const auto rowBytes = static_cast<size_t>(scan.header->required("NAXIS1", 8, 4096));
  const auto columns = scan.header->required("TFIELDS", 1, 20);
  size_t at = static_cast<size_t>(scan.hdus.back().dataOffset) + rowBytes * static_cast<size_t>(tile);
  // The first column that has elements in this row: COMPRESSED_DATA, or GZIP_COMPRESSED_DATA behind it.
  for (int64_t column = 0; column < columns; ++column) {
    const std::string form = scan.header->value("TFORM" + std::to_string(column + 1)).value_or("");
    require(form.find('P') != std::string::npos, form);
    if (const uint32_t elements = bigEndian(file, at); elements > 0) return {at, static_cast<int>(elements)};
    at += 8;
  }
  throw std::logic_error("a tile holds nothing");
}

void setElements(Bytes& file, const Descriptor& descriptor, int elements) {
  for (size_t i = 0; i < 4; ++i)
    file.at(descriptor.at + i) =
        static_cast<std::byte>(static_cast<uint32_t>(elements) >> (24 - 8 * i) & 255);
}

Bytes repeatedTile(const Bytes& file, int64_t across, int64_t down) {
  const std::unique_ptr<fits::ByteSource> source = fits::openMemorySource(file);
  const fits::ScanResult scan = fits::scanHeaders(*source, "made", std::nullopt);
  const fits::ScannedHdu& hdu = scan.hdus.back();
  const auto data = static_cast<size_t>(hdu.dataOffset), header = data - scan.header->bytes();
  const auto rowBytes = static_cast<size_t>(scan.header->required("NAXIS1", 8, 4096));
  Bytes made(file.begin(), file.begin() + static_cast<ptrdiff_t>(data));
  const auto set = [&](const char* keyword, int64_t value) {
    std::array<char, 81> text{};
    std::snprintf(text.data(), text.size(), "%-8s= %20lld%50s", keyword, static_cast<long long>(value), "");
    for (size_t at = header; at < data; at += 80) {
      if (std::memcmp(made.data() + at, text.data(), 9) != 0) continue;
      std::memcpy(made.data() + at, text.data(), 80);
      return;
    }
    throw std::logic_error(keyword);
  };
  set("NAXIS2", across * down);
  set("ZNAXIS1", hdu.compressed.tile[0] * across);
  set("ZNAXIS2", hdu.compressed.tile[1] * down);
  const auto row = file.begin() + static_cast<ptrdiff_t>(data);
  for (int64_t i = 0; i < across * down; ++i)
    made.insert(made.end(), row, row + static_cast<ptrdiff_t>(rowBytes));
  const auto heap = file.begin() + static_cast<ptrdiff_t>(hdu.compressed.heapOffset);
  made.insert(made.end(), heap, heap + static_cast<ptrdiff_t>(hdu.compressed.heapBytes));
  made.resize((made.size() + 2879) / 2880 * 2880);
  return made;
}

std::vector<float> readHere(const Bytes& file, int hdu) {
  const std::unique_ptr<fits::ByteSource> source = fits::openMemorySource(file);
  const fits::ScanResult scan =
      fits::scanHeaders(*source, "made", hdu < 0 ? std::nullopt : std::optional<int>(hdu));
  const fits::ScannedHdu& image = scan.hdus.back();
  if (image.kind != fits::ScannedHdu::Kind::kCompressedImage)
    throw OtfError(Code::kFitsNoImage, "made: not a compressed image");
  fits::Plane plane;
  plane.at.assign(image.dims.size(), 0);
  plane.x = image.axes.x;
  plane.y = image.axes.y;
  plane.width = image.dims[static_cast<size_t>(plane.x)];
  plane.height = image.dims[static_cast<size_t>(plane.y)];
  std::vector<std::string> warnings;
  const fits::PixelScale scale = fits::readScale(*scan.header, image, warnings);
  fits::CompressedPixels pixels(*source, image, plane, scale, scan.padded, "made");
  const int64_t columns = std::min<int64_t>(plane.width, 256), rows = std::min<int64_t>(plane.height, 256);
  std::vector<float> out(static_cast<size_t>(columns * rows));
  pixels.read(0, 0, columns, rows, out.data(), columns);
  return out;
}

}  // namespace otf::test
