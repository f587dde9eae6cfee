#include "fits/byte_source.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "error/error.h"

namespace otf::fits {
namespace {

constexpr uint64_t kBlockBytes = 2880;

/// Anonymous zeros, reserved but not filled.
PaddedView zeros(uint64_t size, const std::string& label) {
  const uint64_t bytes = (size + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
  void* address =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED)
    throw OtfError(Code::kOutOfMemory, "cannot map " + label + ": " + std::strerror(errno));
  return {address, bytes};
}

class FileSource final : public ByteSource {
 public:
  FileSource(int fd, uint64_t size) : fd_(fd), size_(size) {}
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;
  ~FileSource() override { ::close(fd_); }

  uint64_t size() const override { return size_; }

  int share(const std::string& label) const override {
    const int fd = ::fcntl(fd_, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) throw OtfError(Code::kFitsUnreadable, "cannot open " + label + ": " + std::strerror(errno));
    return fd;
  }

  bool read(uint64_t offset, std::span<std::byte> out) const override {
    if (offset > size_ || out.size() > size_ - offset) return false;
    size_t done = 0;
    while (done < out.size()) {
      const ssize_t got =
          ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      done += static_cast<size_t>(got);
    }
    return true;
  }

  PaddedView padded(const std::string& label) const override {
    PaddedView view = zeros(size_, label);
    // The kernel fills the rest of the file's last page with zeros; the zeros mapped first lie behind it.
    if (::mmap(view.bytes().data(), size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE,
               fd_, 0) == MAP_FAILED) {
      throw OtfError(Code::kFitsUnreadable, "cannot map " + label + ": " + std::strerror(errno));
    }
    return view;
  }

 private:
  int fd_;
  uint64_t size_;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::span<const std::byte> bytes) : bytes_(bytes) {}
  uint64_t size() const override { return bytes_.size(); }
  bool read(uint64_t offset, std::span<std::byte> out) const override {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset) return false;
    if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return true;
  }

  int share(const std::string& label) const override {
    const int fd = ::memfd_create("cianna-otf-image", MFD_CLOEXEC);
    size_t done = 0;
    while (fd >= 0 && done < bytes_.size()) {
      const ssize_t put = ::write(fd, bytes_.data() + done, bytes_.size() - done);
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) break;
      done += static_cast<size_t>(put);
    }
    if (fd >= 0 && done == bytes_.size()) return fd;
    const std::string reason = std::strerror(errno);
    if (fd >= 0) ::close(fd);
    throw OtfError(Code::kOutOfMemory, "cannot hand over " + label + ": " + reason);
  }

  PaddedView padded(const std::string& label) const override {
    PaddedView view = zeros(bytes_.size(), label);
    std::memcpy(view.bytes().data(), bytes_.data(), bytes_.size());
    return view;
  }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace

PaddedView::~PaddedView() {
  if (address_ != nullptr) ::munmap(address_, bytes_);
}

std::unique_ptr<ByteSource> openFileSource(const std::string& path, const std::string& label,
                                           std::optional<uint64_t> size) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer that never comes.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) throw OtfError(Code::kFitsUnreadable, "cannot open " + label + ": " + std::strerror(errno));
  return openDescriptorSource(fd, label, size);
}

std::unique_ptr<ByteSource> openDescriptorSource(int fd, const std::string& label,
                                                 std::optional<uint64_t> size) {
  struct stat status{};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(fd);
    throw OtfError(Code::kFitsUnreadable, label + " is not a regular file");
  }
  return std::make_unique<FileSource>(fd, size.value_or(static_cast<uint64_t>(status.st_size)));
}

std::unique_ptr<ByteSource> openMemorySource(std::span<const std::byte> bytes) {
  return std::make_unique<MemorySource>(bytes);
}

std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return out;
}

}  // namespace otf::fits
