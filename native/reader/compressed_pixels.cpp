#include "reader/compressed_pixels.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "reader/gzip_stream.h"

namespace otf::fits {

CompressedPixels::CompressedPixels(const ByteSource& source, ScannedHdu hdu, Plane plane,
                                   const PixelScale& scale, bool padded, std::string label)
    : source_(source),
      hdu_(std::move(hdu)),
      plane_(std::move(plane)),
      label_(std::move(label)),
      scale_(scale),
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
  lossless_ = plane_.x == 0 && guard_.isLossless(handle_.get());
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
  if (lossless_ && readLossless(box, columns, rows, out, stride)) return;
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

/// The tile's pixels as they would lie in an uncompressed file; nullptr when it is stored in another way.
const std::vector<std::byte>* CompressedPixels::losslessTile(int64_t tile, int64_t pixels) {
  if (const auto known = tiles_.find(tile); known != tiles_.end()) return &known->second;
  const std::vector<unsigned char> stream = guard_.losslessStream(handle_.get(), tile, pixels);
  if (stream.empty()) return nullptr;
  const auto width = static_cast<size_t>(std::abs(hdu_.bitpix) / 8), count = static_cast<size_t>(pixels);
  std::vector<std::byte> bytes(count * width);
  if (!gunzip(stream, bytes))
    guard_.reject(tile, "is not a gzip stream of its " + std::to_string(pixels) + " pixels");
  if (hdu_.compressed.algorithm == "GZIP_2") {
    // All first bytes, then all second ones, ... (FITS Standard 4.0, 10.4.2)
    std::vector<std::byte> shuffled(bytes.size());
    std::swap(shuffled, bytes);
    for (size_t part = 0; part < width; ++part) {
      for (size_t i = 0; i < count; ++i) bytes[i * width + part] = shuffled[part * count + i];
    }
  }
  if (tiles_.size() * bytes.size() > static_cast<size_t>(kMaxKeptBytes)) tiles_.clear();
  return &(tiles_[tile] = std::move(bytes));
}

/// A box inside one row of tiles. False when one of its tiles is not stored as the image's usually are.
bool CompressedPixels::readLossless(const Box& box, int64_t columns, int64_t rows, float* out,
                                    int64_t stride) {
  const std::vector<int64_t>&side = hdu_.compressed.tile, &dims = hdu_.dims;
  const auto y = static_cast<size_t>(plane_.y);
  const int64_t width = std::abs(hdu_.bitpix) / 8;
  for (int64_t column = 0; column < columns;) {
    const int64_t x = box.first[0] + column, part = std::min(columns - column, side[0] - x % side[0]);
    // Of the tile: its number, its pixels, and where in it the box begins.
    int64_t tile = 0, tiles = 1, pixels = 1, begin = 0, rowStep = 0;
    for (size_t axis = 0; axis < dims.size(); ++axis) {
      const int64_t at = axis == 0 ? x : box.first[axis], number = at / side[axis];
      if (axis == y) rowStep = pixels;
      begin += at % side[axis] * pixels;
      pixels *= std::min(side[axis], dims[axis] - number * side[axis]);
      tile += number * tiles;
      tiles *= (dims[axis] - 1) / side[axis] + 1;
    }
    const std::vector<std::byte>* bytes = losslessTile(tile, pixels);
    if (bytes == nullptr) return false;
    for (int64_t row = 0; row < rows; ++row) {
      const std::byte* from = bytes->data() + (begin + row * rowStep) * width;
      convertPixels(hdu_.bitpix, from, part, scale_, out + row * stride + column);
    }
    // Windows come from the first row on: what ends here is not asked for again.
    if ((box.last[y] + 1) % side[y] == 0 || box.last[y] + 1 == dims[y]) tiles_.erase(tile);
    column += part;
  }
  return true;
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
