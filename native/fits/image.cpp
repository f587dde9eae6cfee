#include <algorithm>
#include <cmath>
#include <limits>

#include "fits/beam.h"
#include "fits/byte_source.h"
#include "fits/cfitsio.h"
#include "fits/fits.h"
#include "fits/header_cards.h"
#include "fits/header_scan.h"
#include "fits/tile_guard.h"

namespace otf {

using fits::check;

namespace {

// Pixels converted at a time when a window has to go through a buffer: 4 MB of doubles at most.
constexpr int64_t kBufferPx = int64_t{1} << 19;

constexpr float kBlank = std::numeric_limits<float>::quiet_NaN();

void blankInfinities(float* row, int64_t count) {
  for (int64_t i = 0; i < count; ++i) row[i] = std::isfinite(row[i]) ? row[i] : kBlank;
}

/// Values float32 cannot hold become blank rather than the largest float.
void narrow(const double* from, float* to, int64_t count) {
  constexpr double kMost = std::numeric_limits<float>::max();
  for (int64_t i = 0; i < count; ++i)
    to[i] = std::abs(from[i]) <= kMost ? static_cast<float>(from[i]) : kBlank;
}

std::string stringKey(fitsfile* file, const char* keyword) {
  char value[FLEN_VALUE] = "";
  int status = 0;
  fits_read_key(file, TSTRING, keyword, value, nullptr, &status);
  if (status != 0) fits_clear_errmsg();
  return status == 0 ? fits::printable(value) : "";
}

double scaleKey(fitsfile* file, const char* keyword, double absent, const std::string& label) {
  double value = absent;
  int status = 0;
  fits_read_key(file, TDOUBLE, keyword, &value, nullptr, &status);
  if (status == KEY_NO_EXIST || status == VALUE_UNDEFINED) {
    fits_clear_errmsg();
    return absent;
  }
  check(status, Code::kFitsUnreadable, label + ": cannot read " + keyword);
  if (!std::isfinite(value)) throw OtfError(Code::kFitsUnreadable, label + ": " + keyword + " is not finite");
  return value;
}

/// The whole header as image keywords (those of a compressed image translated back), END included.
std::string headerCards(fitsfile* file, const std::string& label) {
  char* text = nullptr;
  int count = 0, status = 0;
  fits_convert_hdr2str(file, 0, nullptr, 0, &text, &count, &status);
  struct Release {
    char* text;
    ~Release() {
      int ignored = 0;
      if (text != nullptr) fits_free_memory(text, &ignored);
    }
  } release{text};
  check(status, Code::kFitsUnreadable, label + ": cannot read the header");
  std::string cards(text);
  // Header text is printable ASCII (FITS Standard 4.0, 4.1.2.2); wcslib's parser relies on it.
  for (char& c : cards) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return cards;
}

}  // namespace

struct FitsImage::Impl {
  FitsInfo info;
  std::unique_ptr<fits::ByteSource> source;
  fits::ScannedHdu hdu;
  fits::PaddedView view;    // when the file lacks its padding
  fits::MemoryFile memory;  // CFITSIO keeps its address
  fits::Handle handle;
  std::optional<fits::TileGuard> guard;
  std::vector<int64_t> planeAt;  // position on every axis of the image (0-based)
  int64_t planeOffsetPx = 0;
  bool viaDouble = false;   // float32 could overflow inside CFITSIO, which stops at that
  bool markBlanks = false;  // CFITSIO has to look for BLANK

  static std::unique_ptr<Impl> create(std::unique_ptr<fits::ByteSource> bytes, const std::string& label,
                                      const FitsSelect& select);
  void openBytes(std::span<const std::byte> bytes);
  void attach();
  void choosePlane(int64_t plane);
  void describe();
  void readContiguous(int64_t firstPx, int64_t count, float* out);
  void readCompressed(int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* out, int64_t stride);
  void convertSubset(std::vector<LONGLONG>& first, std::vector<LONGLONG>& last, int64_t count, float* out);
};

std::unique_ptr<FitsImage::Impl> FitsImage::Impl::create(std::unique_ptr<fits::ByteSource> bytes,
                                                         const std::string& label, const FitsSelect& select) {
  auto impl = std::make_unique<Impl>();
  impl->source = std::move(bytes);
  impl->info.label = fits::printable(label);
  fits::ScanResult scan = fits::scanHeaders(*impl->source, impl->info.label, select.hdu);
  impl->hdu = std::move(scan.hdus.back());
  impl->info.warnings = std::move(scan.warnings);
  impl->choosePlane(select.plane);
  if (!scan.padded) {
    impl->view = impl->source->padded(impl->info.label);
    impl->openBytes(impl->view.bytes());
  }
  return impl;
}

void FitsImage::Impl::openBytes(std::span<const std::byte> bytes) {
  // CFITSIO's interface has no const; read-only mode does not write.
  memory = {const_cast<std::byte*>(bytes.data()), bytes.size()};
  handle = fits::openMemoryFile(memory, info.label);
}

/// CFITSIO and the scan must have understood the same header: otherwise the checks were made on something else.
void FitsImage::Impl::attach() {
  int status = 0, type = 0, bitpix = 0, axes = 0;
  fits_movabs_hdu(handle.get(), hdu.index + 1, &type, &status);
  check(status, Code::kFitsUnreadable, info.label + ": cannot open HDU " + std::to_string(hdu.index));
  std::vector<LONGLONG> dims(hdu.dims.size());
  fits_get_img_paramll(handle.get(), static_cast<int>(dims.size()), &bitpix, &axes, dims.data(), &status);
  const bool compressed = fits_is_compressed_image(handle.get(), &status) != 0;
  check(status, Code::kFitsUnreadable, info.label + ": cannot read the image's size");
  info.compressed = hdu.kind == fits::ScannedHdu::Kind::kCompressedImage;
  if (compressed != info.compressed || bitpix != hdu.bitpix || axes != static_cast<int>(dims.size()) ||
      !std::equal(dims.begin(), dims.end(), hdu.dims.begin())) {
    throw OtfError(Code::kFitsUnreadable, info.label + ": the header of HDU " + std::to_string(hdu.index) +
                                              " contradicts itself about the image's type or size");
  }
  if (info.compressed) guard.emplace(*source, hdu, info.label);
  describe();
}

void FitsImage::Impl::choosePlane(int64_t plane) {
  planeAt.assign(hdu.dims.size(), 0);
  int found = 0;
  int64_t rest = plane, step = 1;
  for (size_t i = 0; i < hdu.dims.size(); ++i) {
    const int64_t length = hdu.dims[i];
    if (length > 1 && found < 2) {
      info.axes[found] = static_cast<int>(i) + 1;
      (found == 0 ? info.width : info.height) = length;
      ++found;
    } else if (found == 2) {
      info.planes *= length;
      planeAt[i] = rest % length;
      rest /= length;
      planeOffsetPx += planeAt[i] * step * info.width * info.height;
      step *= length;
    }
  }
  if (plane < 0 || plane >= info.planes) {
    throw OtfError(Code::kFitsNoImage, info.label + " has no plane " + std::to_string(plane) + "; it has " +
                                           std::to_string(info.planes) + " (counted from 0)");
  }
}

void FitsImage::Impl::describe() {
  fitsfile* file = handle.get();
  info.hdu = hdu.index;
  info.extname = hdu.extname;
  info.bitpix = hdu.bitpix;
  info.bunit = stringKey(file, "BUNIT");
  info.cards = headerCards(file, info.label);
  info.beam = fits::readBeam(info.cards, info.label, info.warnings);
  const double bscale = scaleKey(file, "BSCALE", 1, info.label);
  const double bzero = scaleKey(file, "BZERO", 0, info.label);
  if (bscale == 0) info.warnings.push_back("BSCALE is 0: every pixel has the same value");
  const bool scaled = bscale != 1 || bzero != 0;
  const double largest = info.bitpix < 0 ? std::numeric_limits<float>::max() : std::ldexp(1.0, info.bitpix);
  viaDouble =
      info.bitpix == -64 || info.bitpix == 64 ||
      (scaled && largest * std::abs(bscale) + std::abs(bzero) > std::numeric_limits<float>::max() / 2);
  markBlanks = info.bitpix > 0 || info.compressed;
}

void FitsImage::Impl::readContiguous(int64_t firstPx, int64_t count, float* out) {
  int status = 0, anyNull = 0;
  const std::string what = info.label + ": cannot read pixels";
  if (!viaDouble) {
    float null = markBlanks ? kBlank : 0.0F;
    fits_read_img(handle.get(), TFLOAT, firstPx + 1, count, &null, out, &anyNull, &status);
    check(status, status == END_OF_FILE ? Code::kFitsTruncated : Code::kFitsUnreadable, what);
    blankInfinities(out, count);
    return;
  }
  std::vector<double> buffer(static_cast<size_t>(std::min(count, kBufferPx)));
  for (int64_t done = 0; done < count; done += kBufferPx) {
    const int64_t part = std::min(kBufferPx, count - done);
    double null = kBlank;
    fits_read_img(handle.get(), TDOUBLE, firstPx + done + 1, part, &null, buffer.data(), &anyNull, &status);
    check(status, status == END_OF_FILE ? Code::kFitsTruncated : Code::kFitsUnreadable, what);
    narrow(buffer.data(), out + done, part);
  }
}

void FitsImage::Impl::readCompressed(int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* out,
                                     int64_t stride) {
  const auto xAxis = static_cast<size_t>(info.axes[0] - 1), yAxis = static_cast<size_t>(info.axes[1] - 1);
  std::vector<int64_t> first = planeAt, last = planeAt;
  first[xAxis] = x0;
  last[xAxis] = x0 + columns - 1;
  const int64_t tileRows = hdu.compressed.tile[yAxis];
  std::vector<float> band;
  // Band by band of tiles: each is decompressed once, and the buffer stays small whatever the window.
  for (int64_t row = 0; row < rows;) {
    const int64_t toTileEnd = tileRows - (y0 + row) % tileRows;
    const int64_t part = std::min(rows - row, toTileEnd);
    first[yAxis] = y0 + row;
    last[yAxis] = y0 + row + part - 1;
    guard->checkTiles(handle.get(), first, last);
    std::vector<LONGLONG> from(first.begin(), first.end()), to(last.begin(), last.end());
    for (LONGLONG& v : from) ++v;
    for (LONGLONG& v : to) ++v;
    if (stride == columns) {
      convertSubset(from, to, part * columns, out + row * stride);
    } else {
      band.resize(static_cast<size_t>(part * columns));
      convertSubset(from, to, part * columns, band.data());
      for (int64_t r = 0; r < part; ++r) {
        std::copy_n(band.data() + r * columns, columns, out + (row + r) * stride);
      }
    }
    row += part;
  }
}

void FitsImage::Impl::convertSubset(std::vector<LONGLONG>& first, std::vector<LONGLONG>& last, int64_t count,
                                    float* out) {
  int status = 0, anyNull = 0;
  std::vector<long> from(first.begin(), first.end()), to(last.begin(), last.end()), step(first.size(), 1);
  const std::string what = info.label + ": cannot decompress pixels";
  if (viaDouble) {
    std::vector<double> buffer(static_cast<size_t>(count));
    double null = kBlank;
    fits_read_subset(handle.get(), TDOUBLE, from.data(), to.data(), step.data(), &null, buffer.data(),
                     &anyNull, &status);
    check(status, Code::kFitsUnreadable, what);
    narrow(buffer.data(), out, count);
    return;
  }
  float null = kBlank;
  fits_read_subset(handle.get(), TFLOAT, from.data(), to.data(), step.data(), &null, out, &anyNull, &status);
  check(status, Code::kFitsUnreadable, what);
  blankInfinities(out, count);
}

FitsImage::FitsImage(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FitsImage::FitsImage(FitsImage&&) noexcept = default;
FitsImage& FitsImage::operator=(FitsImage&&) noexcept = default;
FitsImage::~FitsImage() = default;

FitsImage FitsImage::open(const std::string& path, const FitsSelect& select) {
  const std::string label = fits::printable(path);
  if (path.find('\0') != std::string::npos)
    throw OtfError(Code::kFitsUnreadable, label + " is not a file name");
  auto impl = Impl::create(fits::openFileSource(path, label), path, select);
  if (impl->handle.get() == nullptr) impl->handle = fits::openDiskFile(path, label);
  impl->attach();
  return FitsImage(std::move(impl));
}

FitsImage FitsImage::openMemory(std::span<const std::byte> bytes, const std::string& label,
                                const FitsSelect& select) {
  auto impl = Impl::create(fits::openMemorySource(bytes), label, select);
  if (impl->handle.get() == nullptr) impl->openBytes(bytes);
  impl->attach();
  return FitsImage(std::move(impl));
}

const FitsInfo& FitsImage::info() const { return impl_->info; }

void FitsImage::readWindow(int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* out,
                           int64_t stride) {
  Impl& impl = *impl_;
  const FitsInfo& info = impl.info;
  if (x0 < 0 || y0 < 0 || columns < 0 || rows < 0 || columns > info.width || rows > info.height ||
      x0 > info.width - columns || y0 > info.height - rows || stride < columns) {
    throw OtfError(Code::kInvalidArgument, info.label + ": a window outside the image was asked for");
  }
  if (columns == 0 || rows == 0) return;
  if (info.compressed) {
    impl.readCompressed(x0, y0, columns, rows, out, stride);
    return;
  }
  const int64_t firstPx = impl.planeOffsetPx + y0 * info.width + x0;
  if (columns == info.width && stride == columns) {
    impl.readContiguous(firstPx, rows * columns, out);
    return;
  }
  for (int64_t r = 0; r < rows; ++r) impl.readContiguous(firstPx + r * info.width, columns, out + r * stride);
}

std::string cfitsioVersion() {
  float version = 0;
  fits_get_version(&version);
  const auto digits = static_cast<int>(std::lround(version * 10000));  // 4.02 = 4.2.0, 4.0603 = 4.6.3
  return std::to_string(digits / 10000) + "." + std::to_string(digits / 100 % 100) + "." +
         std::to_string(digits % 100);
}

}  // namespace otf
