// Batch slots in shared memory: an anonymous file (memfd) that a child process inherits as a descriptor, so
// that pixels and network output never pass through a pipe or JavaScript.
#pragma once

#include <cstddef>

namespace otf {

/// `count` slots of `slotBytes` (rounded up to a page) in one memfd. Move-only. The map is shared: who may touch
/// which slot when is the caller's protocol; distinct slots may be used by distinct threads or processes at once.
class SharedSlots {
 public:
  /// Creates and maps. The descriptor is close-on-exec; pass it on purpose. Throws kOutOfMemory, kInvalidArgument.
  static SharedSlots create(size_t slotBytes, size_t count);
  /// Maps an inherited descriptor (duplicated). Throws kInvalidArgument when it is smaller than that.
  static SharedSlots attach(int fd, size_t slotBytes, size_t count);

  SharedSlots(SharedSlots&& other) noexcept;
  SharedSlots& operator=(SharedSlots&& other) noexcept;
  ~SharedSlots();

  /// Gives a slot its memory now instead of page by page when it is first written; what is in it stays.
  /// Advice: where the kernel cannot (before Linux 5.14, or short of memory) nothing happens.
  void populate(size_t index) const noexcept;

  /// Gives a slot's memory back to the system; what is in it is zero afterwards.
  void release(size_t index) const noexcept;

  int fd() const { return fd_; }
  size_t count() const { return count_; }
  size_t slotBytes() const { return slotBytes_; }
  std::byte* slot(size_t index) const { return base_ + index * slotBytes_; }

 private:
  SharedSlots(int fd, size_t slotBytes, size_t count);
  void close() noexcept;
  int fd_ = -1;
  size_t slotBytes_ = 0, count_ = 0;
  std::byte* base_ = nullptr;
};

}  // namespace otf
