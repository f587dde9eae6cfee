#include "tensor/slots.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "error/error.h"

namespace otf {
namespace {

size_t roundToPage(size_t bytes) {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

void checkSize(size_t slotBytes, size_t count) {
  constexpr size_t kMost = size_t{1} << 46;
  if (slotBytes == 0 || count == 0 || slotBytes > kMost / count) {
    throw OtfError(Code::kInvalidArgument, std::to_string(count) + " slots of " + std::to_string(slotBytes) +
                                               " bytes is not a usable size");
  }
}

}  // namespace

SharedSlots::SharedSlots(int fd, size_t slotBytes, size_t count)
    : fd_(fd), slotBytes_(slotBytes), count_(count) {
  void* address = ::mmap(nullptr, slotBytes_ * count_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  if (address == MAP_FAILED) {
    const std::string reason = std::strerror(errno);
    ::close(fd_);
    throw OtfError(Code::kOutOfMemory, "cannot map " + std::to_string(slotBytes * count >> 20) +
                                           " MiB of shared memory: " + reason);
  }
  base_ = static_cast<std::byte*>(address);
}

SharedSlots SharedSlots::create(size_t slotBytes, size_t count) {
  checkSize(slotBytes, count);
  slotBytes = roundToPage(slotBytes);
  const int fd = ::memfd_create("cianna-otf-slots", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0 || ::ftruncate(fd, static_cast<off_t>(slotBytes * count)) != 0) {
    const std::string reason = std::strerror(errno);
    if (fd >= 0) ::close(fd);
    throw OtfError(Code::kOutOfMemory, "cannot create " + std::to_string(slotBytes * count >> 20) +
                                           " MiB of shared memory: " + reason);
  }
  // No process that holds the descriptor can shrink it under another's feet (SIGBUS).
  ::fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  return {fd, slotBytes, count};
}

SharedSlots SharedSlots::attach(int fd, size_t slotBytes, size_t count) {
  checkSize(slotBytes, count);
  slotBytes = roundToPage(slotBytes);
  struct stat status{};
  if (::fstat(fd, &status) != 0 || static_cast<size_t>(status.st_size) < slotBytes * count) {
    throw OtfError(Code::kInvalidArgument, "descriptor " + std::to_string(fd) + " is not shared memory of " +
                                               std::to_string(count) + " slots");
  }
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0)
    throw OtfError(Code::kInvalidArgument,
                   std::string("cannot duplicate the shared memory descriptor: ") + std::strerror(errno));
  return {copy, slotBytes, count};
}

SharedSlots::SharedSlots(SharedSlots&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      slotBytes_(other.slotBytes_),
      count_(other.count_),
      base_(std::exchange(other.base_, nullptr)) {}

SharedSlots& SharedSlots::operator=(SharedSlots&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
    slotBytes_ = other.slotBytes_;
    count_ = other.count_;
    base_ = std::exchange(other.base_, nullptr);
  }
  return *this;
}

void SharedSlots::populate(size_t index) const noexcept {
#ifdef MADV_POPULATE_WRITE
  (void)::madvise(slot(index), slotBytes_, MADV_POPULATE_WRITE);
#else
  (void)index;
#endif
}

void SharedSlots::release(size_t index) const noexcept {
  (void)::madvise(slot(index), slotBytes_, MADV_REMOVE);
}

void SharedSlots::close() noexcept {
  if (base_ != nullptr) ::munmap(base_, slotBytes_ * count_);
  if (fd_ >= 0) ::close(fd_);
  base_ = nullptr;
  fd_ = -1;
}

SharedSlots::~SharedSlots() { close(); }

}  // namespace otf
