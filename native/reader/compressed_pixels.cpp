#include "reader/compressed_pixels.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>

namespace otf::fits {

CompressedPixels::CompressedPixels(const ByteSource& source, ScannedHdu hdu, Plane plane,
                                   const PixelScale& scale, bool padded, std::string label)
    : source_(source),
      hdu_(std::move(hdu)),
      plane_(std::move(plane)),
      label_(std::move(label)),
      guard_(source_, hdu_, label_) {
  const bool scaled = scale.scale != 1 || scale.zero != 0;
  constexpr double kMost = std::numeric_limits<float>::max();
  const double largest = hdu_.bitpix < 0 ? kMost : std::ldexp(1.0, hdu_.bitpix);
  viaDouble_ = std::abs(hdu_.bitpix) == 64 ||
               (scaled && largest * std::abs(scale.scale) + std::abs(scale.zero) > kMost / 2);
  const auto columns = static_cast<size_t>((hdu_.dims[0] - 1) / hdu_.compressed.tile[0] + 1);
  kept_.assign(columns, false);
  if (padded) {
    fd_ = source_.share(label_);
  } else {
    view_ = source_.padded(label_);
    memory_ = {view_.bytes().data(), view_.bytes().size()};
  }
  open();
}

CompressedPixels::~CompressedPixels() {
  if (fd_ >= 0) ::close(fd_);
}

/// CFITSIO and the scan must have understood the same header: otherwise the checks were made on something else.
void CompressedPixels::open() {
  handle_ = Handle();
  handle_ = fd_ < 0 ? openMemoryFile(memory_, label_)
                    : openDiskFile("/proc/self/fd/" + std::to_string(fd_), label_);
  std::fill(kept_.begin(), kept_.end(), false);
  keptBytes_ = 0;
  int status = 0, type = 0, bitpix = 0, axes = 0;
  fits_movabs_hdu(handle_.get(), hdu_.index + 1, &type, &status);
  check(status, Code::kFitsUnreadable, label_ + ": cannot open HDU " + std::to_string(hdu_.index));
  std::vector<LONGLONG> dims(hdu_.dims.size());
  fits_get_img_paramll(handle_.get(), static_cast<int>(dims.size()), &bitpix, &axes, dims.data(), &status);
  const bool compressed = fits_is_compressed_image(handle_.get(), &status) != 0;
  check(status, Code::kFitsUnreadable, label_ + ": cannot read the image's size");
  if (!compressed || bitpix != hdu_.bitpix || axes != static_cast<int>(dims.size()) ||
      !std::equal(dims.begin(), dims.end(), hdu_.dims.begin())) {
    throw OtfError(Code::kFitsUnreadable, label_ + ": the header of HDU " + std::to_string(hdu_.index) +
                                              " contradicts itself about the image's type or size");
  }
}

void CompressedPixels::read(int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* out,
                            int64_t stride) {
  const auto x = static_cast<size_t>(plane_.x), y = static_cast<size_t>(plane_.y);
  const int64_t tileColumns = hdu_.compressed.tile[x], tileRows = hdu_.compressed.tile[y];
  // Strips of whole tiles, no wider than what CFITSIO may keep.
  const int64_t strip = std::max<int64_t>(1, kMaxKeptBytes / hdu_.compressed.keptTileBytes()) * tileColumns;
  for (int64_t column = 0; column < columns;) {
    const int64_t wide = std::min(columns - column, strip - (x0 + column) % strip);
    // Band by band of tiles: each is decompressed once, and the buffer stays small whatever the window.
    for (int64_t row = 0; row < rows;) {
      const int64_t high = std::min(rows - row, tileRows - (y0 + row) % tileRows);
      Box box{plane_.at, plane_.at};
      box.first[x] = x0 + column;
      box.last[x] = x0 + column + wide - 1;
      box.first[y] = y0 + row;
      box.last[y] = y0 + row + high - 1;
      readBox(box, wide, high, out + row * stride + column, stride);
      row += high;
    }
    column += wide;
  }
}

void CompressedPixels::readBox(Box& box, int64_t columns, int64_t rows, float* out, int64_t stride) {
  guard_.checkTiles(handle_.get(), box.first, box.last);
  keepWithin(box);
  if (stride == columns) {
    convert(box, rows * columns, out);
    return;
  }
  band_.resize(static_cast<size_t>(rows * columns));
  convert(box, rows * columns, band_.data());
  for (int64_t r = 0; r < rows; ++r) std::copy_n(band_.data() + r * columns, columns, out + r * stride);
}

/// CFITSIO keeps the last tile of each column of tiles (by the array's first axis) until the file is closed.
void CompressedPixels::keepWithin(const Box& box) {
  const int64_t side = hdu_.compressed.tile[0];
  const auto begin = static_cast<size_t>(box.first[0] / side),
             end = static_cast<size_t>(box.last[0] / side + 1);
  const auto added = std::count(kept_.begin() + static_cast<ptrdiff_t>(begin),
                                kept_.begin() + static_cast<ptrdiff_t>(end), false) *
                     hdu_.compressed.keptTileBytes();
  if (keptBytes_ > 0 && keptBytes_ + added > kMaxKeptBytes) open();
  for (size_t i = begin; i < end; ++i) {
    if (kept_[i]) continue;
    kept_[i] = true;
    keptBytes_ += hdu_.compressed.keptTileBytes();
  }
}

void CompressedPixels::convert(const Box& box, int64_t count, float* out) {
  int status = 0, anyNull = 0;
  std::vector<long> from, to, step(box.first.size(), 1);
  for (size_t i = 0; i < box.first.size(); ++i) {
    from.push_back(static_cast<long>(box.first[i] + 1));
    to.push_back(static_cast<long>(box.last[i] + 1));
  }
  const std::string what = label_ + ": cannot decompress pixels";
  if (viaDouble_) {
    doubles_.resize(static_cast<size_t>(count));
    double null = kBlank;
    fits_read_subset(handle_.get(), TDOUBLE, from.data(), to.data(), step.data(), &null, doubles_.data(),
                     &anyNull, &status);
    check(status, Code::kFitsUnreadable, what);
    std::transform(doubles_.begin(), doubles_.end(), out, narrow);
    return;
  }
  float null = kBlank;
  fits_read_subset(handle_.get(), TFLOAT, from.data(), to.data(), step.data(), &null, out, &anyNull, &status);
  check(status, Code::kFitsUnreadable, what);
  for (int64_t i = 0; i < count; ++i) out[i] = std::isfinite(out[i]) ? out[i] : kBlank;
}

}  // namespace otf::fits
