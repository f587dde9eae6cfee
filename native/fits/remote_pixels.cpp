// Pixels of a compressed image, decoded by an otf-reader.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "fits/pixel_reader.h"
#include "fits/reader_pool.h"
#include "fits/reader_protocol.h"

namespace otf::fits {
namespace {

constexpr int64_t kWindowPx = static_cast<int64_t>(kWindowBytes / sizeof(float));

int64_t nextImage() {
  static std::atomic<int64_t> last{0};
  return ++last;
}

class RemotePixels final : public PixelReader {
 public:
  RemotePixels(int fd, std::string command, int64_t needsBytes, std::string label)
      : image_(nextImage()),
        fd_(fd),
        command_(std::move(command)),
        needsBytes_(needsBytes),
        label_(std::move(label)) {}
  RemotePixels(const RemotePixels&) = delete;
  RemotePixels& operator=(const RemotePixels&) = delete;
  ~RemotePixels() override {
    ReaderPool::instance().forget(image_);
    ::close(fd_);
  }

  void open() {
    ReaderPool::instance().run(
        image_, needsBytes_, label_, nullptr,
        [&](ReaderProcess& reader, const auto& unwanted) { prepare(reader, unwanted); });
  }

  void setCancel(const std::atomic<bool>* cancel) override { cancel_ = cancel; }

  void read(int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* out, int64_t stride) override {
    const int64_t wide = std::min(columns, kWindowPx), high = std::min(rows, kWindowPx / wide);
    for (int64_t x = 0; x < columns; x += wide) {
      for (int64_t y = 0; y < rows; y += high)
        readPart(x0 + x, y0 + y, std::min(wide, columns - x), std::min(high, rows - y), out + y * stride + x,
                 stride);
    }
  }

 private:
  void prepare(ReaderProcess& reader, const ReaderProcess::Unwanted& unwanted) {
    if (reader.image == image_) return;
    reader.open(command_, fd_, label_, unwanted);
    reader.image = image_;
  }

  void readPart(int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* out, int64_t stride) {
    ReaderPool::instance().run(image_, needsBytes_, label_, cancel_,
                               [&](ReaderProcess& reader, const auto& unwanted) {
                                 prepare(reader, unwanted);
                                 reader.read(x0, y0, columns, rows, label_, unwanted);
                                 for (int64_t r = 0; r < rows; ++r) {
                                   std::memcpy(out + r * stride, reader.pixels() + r * columns,
                                               static_cast<size_t>(columns) * sizeof(float));
                                 }
                               });
  }

  const int64_t image_;
  const int fd_;
  const std::string command_;
  const int64_t needsBytes_;
  const std::string label_;
  const std::atomic<bool>* cancel_ = nullptr;
};

}  // namespace

std::unique_ptr<PixelReader> remotePixels(const ByteSource& source, const ScannedHdu& hdu, const Plane& plane,
                                          const std::string& label) {
  std::string command = "open " + std::to_string(hdu.index) + " " + std::to_string(plane.x) + " " +
                        std::to_string(plane.y) + " " + std::to_string(plane.at.size());
  for (const int64_t at : plane.at) command += " " + std::to_string(at);
  command += " " + (label.empty() ? "image" : label);
  auto pixels = std::make_unique<RemotePixels>(source.share(label), std::move(command),
                                               hdu.compressed.decodingBytes(), label);
  // What CFITSIO thinks of the header is told when the image is opened, not in the middle of the work.
  pixels->open();
  return pixels;
}

}  // namespace otf::fits
