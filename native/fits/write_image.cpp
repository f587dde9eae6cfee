#include <vector>

#include "fits/fits.h"
#include "fits/output_file.h"
#include "fits/write_keys.h"

namespace otf {

struct FitsImageWriter::Impl {
  explicit Impl(const std::string& path) : file(path) {}
  fits::OutputFile file;
  int64_t width = 0, height = 0, rowsWritten = 0;
};

FitsImageWriter::FitsImageWriter(const std::string& path, int64_t width, int64_t height,
                                 std::span<const FitsKey> keys, int lengthOneAxes) {
  if (width < 1 || height < 1 || lengthOneAxes < 0 || lengthOneAxes > 97) {
    throw OtfError(Code::kInvalidArgument, "an image of " + std::to_string(width) + "x" +
                                               std::to_string(height) + " pixels cannot be written");
  }
  impl_ = std::make_unique<Impl>(path);
  impl_->width = width;
  impl_->height = height;
  std::vector<LONGLONG> dims(2 + static_cast<size_t>(lengthOneAxes), 1);
  dims[0] = width;
  dims[1] = height;
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
  if (rows < 0 || rows > impl.height - impl.rowsWritten) {
    throw OtfError(Code::kInvalidArgument, "more rows than the image has");
  }
  if (rows == 0) return;
  impl.file.run([&](int* status) {
    // CFITSIO's interface has no const; it copies before it swaps bytes.
    fits_write_img(impl.file.get(), TFLOAT, impl.rowsWritten * impl.width + 1, rows * impl.width,
                   const_cast<float*>(pixels), status);
  });
  impl.rowsWritten += rows;
}

void FitsImageWriter::finish() {
  if (impl_->rowsWritten != impl_->height) {
    throw OtfError(Code::kInvalidArgument, "only " + std::to_string(impl_->rowsWritten) + " of " +
                                               std::to_string(impl_->height) + " rows were written");
  }
  impl_->file.commit();
}

void writeFitsImage(const std::string& path, int64_t width, int64_t height, std::span<const FitsKey> keys,
                    const float* pixels) {
  FitsImageWriter writer(path, width, height, keys);
  writer.writeRows(pixels, height);
  writer.finish();
}

}  // namespace otf
