#include <algorithm>
#include <cstdlib>

#include "error/error.h"
#include "fits/beam.h"
#include "fits/byte_source.h"
#include "fits/fits.h"
#include "fits/header_cards.h"
#include "fits/header_scan.h"
#include "fits/header_values.h"
#include "fits/pixel_reader.h"

namespace otf {
namespace {

/// BUNIT as it stands, "" = none. Some writers leave out the quotes; then a '/' in the word begins no comment.
std::string unitText(std::string_view cards, std::vector<std::string>& warnings) {
  using Kind = fits::CardValue::Kind;
  const fits::CardValue value = fits::findValue(cards, "BUNIT");
  if (value.kind == Kind::kText) return value.text;
  if (value.kind == Kind::kAbsent || value.kind == Kind::kUndefined) return "";
  const size_t field = cards.find("BUNIT   = ") + 10;
  std::string_view whole = cards.substr(field, fits::kCardBytes - 10);
  whole = whole.substr(0, whole.find(" /"));
  std::string text(whole.substr(std::min(whole.find_first_not_of(' '), whole.size())));
  text.erase(text.find_last_not_of(' ') + 1);
  warnings.push_back("BUNIT = " + text + " is not in quotes");
  return text;
}

}  // namespace

struct FitsImage::Impl {
  FitsInfo info;
  std::unique_ptr<fits::ByteSource> source;
  fits::ScannedHdu hdu;
  fits::Plane plane;
  std::unique_ptr<fits::PixelReader> pixels;

  static std::unique_ptr<Impl> create(std::unique_ptr<fits::ByteSource> bytes, const std::string& label,
                                      const FitsSelect& select);
  void choosePlane(int64_t index);
  void describe(const fits::HeaderCards& header);
};

std::unique_ptr<FitsImage::Impl> FitsImage::Impl::create(std::unique_ptr<fits::ByteSource> bytes,
                                                         const std::string& label, const FitsSelect& select) {
  auto impl = std::make_unique<Impl>();
  impl->source = std::move(bytes);
  impl->info.label = fits::printable(select.label.empty() ? label : select.label);
  fits::ScanResult scan = fits::scanHeaders(*impl->source, impl->info.label, select.hdu);
  impl->hdu = std::move(scan.hdus.back());
  impl->info.warnings = std::move(scan.warnings);
  impl->choosePlane(select.plane);
  impl->describe(*scan.header);
  return impl;
}

void FitsImage::Impl::choosePlane(int64_t index) {
  plane.at.assign(hdu.dims.size(), 0);
  plane.x = hdu.axes.x;
  plane.y = hdu.axes.y;
  int64_t rest = index, step = 1;
  for (size_t i = 0; i < hdu.dims.size(); ++i) {
    const int64_t length = hdu.dims[i];
    const auto axis = static_cast<int>(i);
    if (axis == plane.x) {
      plane.width = length;
      plane.stepX = step;
    } else if (axis == plane.y) {
      plane.height = length;
      plane.stepY = step;
    } else {
      info.planes *= length;
      plane.at[i] = rest % length;
      rest /= length;
      plane.offsetPx += plane.at[i] * step;
    }
    step *= length;
  }
  if (index < 0 || index >= info.planes) {
    throw OtfError(Code::kFitsNoImage, info.label + " has no plane " + std::to_string(index) + "; it has " +
                                           std::to_string(info.planes) + " (counted from 0)");
  }
  info.plane = index;
  info.axes[0] = plane.x + 1;
  info.axes[1] = plane.y + 1;
  info.width = plane.width;
  info.height = plane.height;
}

void FitsImage::Impl::describe(const fits::HeaderCards& header) {
  info.hdu = hdu.index;
  info.extname = hdu.extname;
  info.bitpix = hdu.bitpix;
  info.compressed = hdu.kind == fits::ScannedHdu::Kind::kCompressedImage;
  for (const char* keyword : {"BUNIT", "BMAJ", "BMIN", "BPA", "BSCALE", "BZERO", "BLANK"}) {
    if (!fits::isContradictory(hdu.cards, keyword)) continue;
    info.warnings.push_back(std::string(keyword) +
                            " is there more than once with different values: the first one counts");
  }
  info.bunit = unitText(hdu.cards, info.warnings);
  info.beam = fits::readBeam(hdu.cards, info.warnings);
  const fits::PixelScale scale = fits::readScale(header, hdu, info.warnings);
  pixels = info.compressed ? fits::remotePixels(*source, hdu, plane, info.label)
                           : fits::plainPixels(*source, hdu, plane, scale, info.label);
  info.cards = std::move(hdu.cards);
}

FitsImage::FitsImage(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FitsImage::FitsImage(FitsImage&&) noexcept = default;
FitsImage& FitsImage::operator=(FitsImage&&) noexcept = default;
FitsImage::~FitsImage() = default;

FitsImage FitsImage::openBeside(const std::string& path, FitsSelect select, const FitsInfo& image) {
  select.plane = 0;
  FitsImage map = open(path, select);
  if (map.info().planes == 1) return map;
  if (map.info().planes != image.planes) {
    throw OtfError(Code::kMapMismatch, map.info().label + " has " + std::to_string(map.info().planes) +
                                           " planes, " + image.label + " has " +
                                           std::to_string(image.planes) +
                                           ": give a file of one plane, or of as many as the image");
  }
  if (image.plane == 0) return map;
  select.plane = image.plane;
  return open(path, select);
}

FitsImage FitsImage::open(const std::string& path, const FitsSelect& select) {
  const std::string label = fits::printable(select.label.empty() ? path : select.label);
  if (path.find('\0') != std::string::npos)
    throw OtfError(Code::kFitsUnreadable, label + " is not a file name");
  return FitsImage(Impl::create(fits::openFileSource(path, label, select.fileBytes), path, select));
}

FitsImage FitsImage::openMemory(std::span<const std::byte> bytes, const std::string& label,
                                const FitsSelect& select) {
  return FitsImage(Impl::create(fits::openMemorySource(bytes), label, select));
}

const FitsInfo& FitsImage::info() const { return impl_->info; }

void FitsImage::readWindow(int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* out,
                           int64_t stride) {
  const FitsInfo& info = impl_->info;
  if (x0 < 0 || y0 < 0 || columns < 0 || rows < 0 || columns > info.width || rows > info.height ||
      x0 > info.width - columns || y0 > info.height - rows || stride < columns) {
    throw OtfError(Code::kInvalidArgument, info.label + ": a window outside the image was asked for");
  }
  if (columns == 0 || rows == 0) return;
  impl_->pixels->read(x0, y0, columns, rows, out, stride);
}

uint64_t FitsImage::bytesOfRows(int64_t rows) const {
  const fits::Plane& plane = impl_->plane;
  if (impl_->info.compressed) return kWholeFile;
  const int64_t pixels = plane.offsetPx + (rows - 1) * plane.stepY + (plane.width - 1) * plane.stepX + 1;
  return impl_->hdu.dataOffset + static_cast<uint64_t>(pixels * (std::abs(impl_->hdu.bitpix) / 8));
}

void FitsImage::setCancel(const std::atomic<bool>* cancel) { impl_->pixels->setCancel(cancel); }

}  // namespace otf
