#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <numeric>
#include <vector>

#include "fits/fits.h"
#include "fits/output_file.h"
#include "fits/table_hdu.h"
#include "fits/write_keys.h"

namespace otf {

struct FitsImageWriter::Impl {
  explicit Impl(const std::string& path) : file(path) {}
  fits::OutputFile file;
  int64_t width = 0, rows = 0, rowsWritten = 0;  // rows of all planes
  uint32_t sum = 0;                              // of the pixels
};

namespace {

/// Of floats as FITS has them: each is one of its words.
uint32_t addPixels(uint32_t sum, const float* pixels, int64_t count) {
  constexpr int64_t kNoCarry = int64_t{1} << 31;
  for (int64_t from = 0; from < count; from += kNoCarry) {
    uint64_t words = 0;
    for (int64_t i = from; i < std::min(count, from + kNoCarry); ++i)
      words += std::bit_cast<uint32_t>(pixels[i]);
    sum = fits::addToSum(sum, words);
  }
  return sum;
}

}  // namespace

FitsImageWriter::FitsImageWriter(const std::string& path, int64_t width, int64_t height,
                                 std::span<const FitsKey> keys, const std::vector<int64_t>& furtherAxes) {
  const bool empty = std::any_of(furtherAxes.begin(), furtherAxes.end(), [](int64_t n) { return n < 1; });
  if (width < 1 || height < 1 || empty || furtherAxes.size() > 97) {
    throw OtfError(Code::kInvalidArgument, "an image of " + std::to_string(width) + "x" +
                                               std::to_string(height) + " pixels cannot be written");
  }
  impl_ = std::make_unique<Impl>(path);
  impl_->width = width;
  impl_->rows = std::accumulate(furtherAxes.begin(), furtherAxes.end(), height, std::multiplies<>());
  std::vector<LONGLONG> dims{width, height};
  dims.insert(dims.end(), furtherAxes.begin(), furtherAxes.end());
  fits::OutputFile& file = impl_->file;
  file.run([&](int* status) {
    fits_create_imgll(file.get(), FLOAT_IMG, static_cast<int>(dims.size()), dims.data(), status);
  });
  fits::writeKeys(file, keys);
}

FitsImageWriter::FitsImageWriter(FitsImageWriter&&) noexcept = default;
FitsImageWriter& FitsImageWriter::operator=(FitsImageWriter&&) noexcept = default;
FitsImageWriter::~FitsImageWriter() = default;

void FitsImageWriter::writeRows(const float* pixels, int64_t rows) {
  Impl& impl = *impl_;
  if (rows < 0 || rows > impl.rows - impl.rowsWritten) {
    throw OtfError(Code::kInvalidArgument, "more rows than the image has");
  }
  if (rows == 0) return;
  impl.file.run([&](int* status) {
    // CFITSIO's interface has no const; it copies before it swaps bytes.
    fits_write_img(impl.file.get(), TFLOAT, impl.rowsWritten * impl.width + 1, rows * impl.width,
                   const_cast<float*>(pixels), status);
  });
  impl.sum = addPixels(impl.sum, pixels, rows * impl.width);
  impl.rowsWritten += rows;
}

void FitsImageWriter::requireAllRows() const {
  if (impl_->rowsWritten == impl_->rows) return;
  throw OtfError(Code::kInvalidArgument, "only " + std::to_string(impl_->rowsWritten) + " of " +
                                             std::to_string(impl_->rows) + " rows were written");
}

void FitsImageWriter::addTable(const std::string& extname, std::span<const FitsColumn> columns,
                               std::span<const FitsKey> keys) {
  requireAllRows();
  fits::appendTable(impl_->file, extname, columns, keys);
}

void FitsImageWriter::settle() {
  requireAllRows();
  impl_->file.settle(impl_->sum);
}

void FitsImageWriter::finish() {
  requireAllRows();
  impl_->file.commit(impl_->sum);
}

void writeFitsImage(const std::string& path, int64_t width, int64_t height, std::span<const FitsKey> keys,
                    const float* pixels) {
  FitsImageWriter writer(path, width, height, keys);
  writer.writeRows(pixels, height);
  writer.finish();
}

}  // namespace otf
