#include "reader/serve.h"

#include <memory>
#include <new>
#include <sstream>
#include <string>

#include "error/error.h"
#include "fits/byte_source.h"
#include "fits/header_scan.h"
#include "fits/pixel_reader.h"
#include "process/wire.h"
#include "reader/compressed_pixels.h"
#include "reader/limits.h"

namespace otf::reader {
namespace {

using fits::ScannedHdu;

[[noreturn]] void notUnderstood(const std::string& line) {
  throw OtfError(Code::kInvalidArgument, "otf-reader does not understand '" + line.substr(0, 100) + "'");
}

/// An image as `open` names it.
struct Opened {
  std::unique_ptr<fits::ByteSource> source;
  fits::Plane plane;
  int64_t bytes = 0;  // that decoding may take
  std::unique_ptr<fits::CompressedPixels> pixels;
};

struct Wanted {
  int hdu = 0;
  fits::Plane plane;
  std::string label;
};

Wanted readWanted(std::istringstream& words, const std::string& line) {
  constexpr size_t kMostAxes = 99;
  Wanted wanted;
  size_t axes = 0;
  if (!(words >> wanted.hdu >> wanted.plane.x >> wanted.plane.y >> axes) || axes > kMostAxes)
    notUnderstood(line);
  wanted.plane.at.resize(axes);
  for (int64_t& at : wanted.plane.at) {
    if (!(words >> at)) notUnderstood(line);
  }
  std::getline(words >> std::ws, wanted.label);
  return wanted;
}

/// The plane has to be one of the image that the headers describe here.
void measure(fits::Plane& plane, const ScannedHdu& hdu, const std::string& line) {
  const auto axes = static_cast<int>(hdu.dims.size());
  bool fits = hdu.kind == ScannedHdu::Kind::kCompressedImage && plane.at.size() == hdu.dims.size() &&
              plane.x >= 0 && plane.x < plane.y && plane.y < axes;
  for (size_t i = 0; fits && i < hdu.dims.size(); ++i) fits = plane.at[i] >= 0 && plane.at[i] < hdu.dims[i];
  if (!fits) notUnderstood(line);
  plane.width = hdu.dims[static_cast<size_t>(plane.x)];
  plane.height = hdu.dims[static_cast<size_t>(plane.y)];
}

Opened open(std::istringstream& words, const std::string& line, int fd, int64_t seconds) {
  const Wanted wanted = readWanted(words, line);
  if (fd < 0) notUnderstood(line);
  Opened opened;
  opened.source = fits::openDescriptorSource(fd, wanted.label);
  const fits::ScanResult scan = fits::scanHeaders(*opened.source, wanted.label, wanted.hdu);
  const ScannedHdu& hdu = scan.hdus.back();
  opened.plane = wanted.plane;
  measure(opened.plane, hdu, line);
  opened.bytes = hdu.compressed.decodingBytes();
  // A file without its last padding is mapped as a whole.
  if (!scan.padded) opened.bytes += static_cast<int64_t>(opened.source->size());
  limitWork(opened.bytes, seconds);
  std::vector<std::string> told;  // the parent has read the same header
  const fits::PixelScale scale = fits::readScale(*scan.header, hdu, told);
  opened.pixels = std::make_unique<fits::CompressedPixels>(*opened.source, hdu, opened.plane, scale,
                                                           scan.padded, wanted.label);
  return opened;
}

void read(Opened& opened, std::istringstream& words, const std::string& line, SharedSlots& window,
          int64_t seconds) {
  int64_t x = 0, y = 0, columns = 0, rows = 0;
  if (!(words >> x >> y >> columns >> rows) || !opened.pixels) notUnderstood(line);
  const auto most = static_cast<int64_t>(window.slotBytes() / sizeof(float));
  const fits::Plane& plane = opened.plane;
  const bool inside = x >= 0 && y >= 0 && columns > 0 && rows > 0 && columns <= plane.width &&
                      rows <= plane.height && x <= plane.width - columns && y <= plane.height - rows &&
                      rows <= most / columns;
  if (!inside) notUnderstood(line);
  limitWork(opened.bytes, seconds);
  opened.pixels->read(x, y, columns, rows, reinterpret_cast<float*>(window.slot(0)), columns);
}

void obey(Opened& opened, process::Lines& lines, const std::string& line, SharedSlots& window,
          int64_t seconds) {
  std::istringstream words(line);
  std::string command;
  words >> command;
  if (command == "open") {
    opened = Opened();
    opened = open(words, line, lines.takeDescriptor(), seconds);
    process::reply("opened");
  } else if (command == "read") {
    read(opened, words, line, window, seconds);
    process::reply("done");
  } else if (command == "close") {
    opened = Opened();
    process::reply("closed");
  } else {
    notUnderstood(line);
  }
}

}  // namespace

void serve(SharedSlots& window, int64_t seconds) {
  process::Lines lines;
  Opened opened;
  for (std::string line; lines.next(line);) {
    try {
      obey(opened, lines, line, window, seconds);
    } catch (const OtfError& error) {
      process::replyError(error.code(), error.what());
    } catch (const std::bad_alloc&) {
      process::replyError(Code::kOutOfMemory, "not enough memory to decompress the image");
    }
  }
}

}  // namespace otf::reader
