#include "tensor/recycled_buffer.h"

#include <mutex>
#include <utility>
#include <vector>

namespace otf {
namespace {

constexpr size_t kLargestKept = size_t{16} << 20;
constexpr size_t kMostKept = 8;
/// A larger one than asked for is taken up to this factor: the rest is memory that lies idle.
constexpr size_t kSlack = 2;

struct Shelf {
  // A buffer comes back in a destructor: there must be room for it then.
  Shelf() { free.reserve(kMostKept); }
  std::mutex mutex;
  std::vector<Buffer> free;
};

/// Never destroyed: buffers may come back while the process ends.
Shelf& shelf() {
  static auto* const kShelf = new Shelf;
  return *kShelf;
}

Buffer take(size_t bytes) {
  {
    Shelf& s = shelf();
    const std::lock_guard lock(s.mutex);
    for (Buffer& candidate : s.free) {
      if (candidate.bytes() < bytes || candidate.bytes() > kSlack * bytes) continue;
      Buffer found = std::move(candidate);
      candidate = std::move(s.free.back());
      s.free.pop_back();
      return found;
    }
  }
  return Buffer(bytes);
}

}  // namespace

RecycledBuffer::RecycledBuffer(size_t bytes) : buffer_(take(bytes)) {}

RecycledBuffer::~RecycledBuffer() {
  if (buffer_.data() == nullptr || buffer_.bytes() > kLargestKept) return;
  Shelf& s = shelf();
  const std::lock_guard lock(s.mutex);
  if (s.free.size() < kMostKept) s.free.push_back(std::move(buffer_));
}

}  // namespace otf
