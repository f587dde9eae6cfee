// The bytes of a FITS file, from disk or memory, read at any offset.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace otf::fits {

/// The bytes of a source with zeros behind them up to a whole number of FITS blocks. Move-only.
class PaddedView {
 public:
  PaddedView() = default;
  PaddedView(void* address, size_t bytes) : address_(address), bytes_(bytes) {}
  PaddedView(PaddedView&& other) noexcept
      : address_(std::exchange(other.address_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  PaddedView& operator=(PaddedView&& other) noexcept {
    std::swap(address_, other.address_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~PaddedView();
  std::span<std::byte> bytes() const { return {static_cast<std::byte*>(address_), bytes_}; }

 private:
  void* address_ = nullptr;
  size_t bytes_ = 0;
};

/// Thread-safe: every read names its offset.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual uint64_t size() const = 0;
  /// Fills `out` from `offset`; false when the bytes are not all there.
  virtual bool read(uint64_t offset, std::span<std::byte> out) const = 0;
  /// The same bytes as a descriptor for another process; the caller's to close. Throws kFitsUnreadable,
  /// kOutOfMemory.
  virtual int share(const std::string& label) const = 0;
  /// For a file that lacks its last padding, which CFITSIO cannot read to the end. A file is mapped, not loaded.
  virtual PaddedView padded(const std::string& label) const = 0;
};

/// Regular files only (a FIFO or a device has no size to check promises against). `size`: of a file that is still
/// being written, what it will be; what is not there yet cannot be read. Throws kFitsUnreadable.
std::unique_ptr<ByteSource> openFileSource(const std::string& path, const std::string& label,
                                           std::optional<uint64_t> size = std::nullopt);
/// The descriptor becomes the source's.
std::unique_ptr<ByteSource> openDescriptorSource(int fd, const std::string& label,
                                                 std::optional<uint64_t> size = std::nullopt);
/// The bytes must outlive the source.
std::unique_ptr<ByteSource> openMemorySource(std::span<const std::byte> bytes);

/// One line, printable: what a message may show of a name or of header text that came from outside.
std::string printable(std::string_view text);

}  // namespace otf::fits
