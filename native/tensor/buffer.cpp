#include "tensor/buffer.h"

#include <sys/mman.h>

#include <string>

#include "error/error.h"

namespace otf {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kHugePage = size_t{2} << 20;

}  // namespace

Buffer::Buffer(size_t bytes) : bytes_(bytes) {
  // Large tensors are walked end to end by every layer: huge pages spare most of their TLB misses.
  const bool large = bytes >= 4 * kHugePage;
  const size_t alignment = large ? kHugePage : kAlignment;
  const size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  memory_.reset(std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded));
  if (!memory_) {
    throw OtfError(Code::kOutOfMemory, "cannot get " + std::to_string(bytes >> 20) +
                                           " MiB of memory for tensors; use a smaller batch or tile");
  }
  if (large) ::madvise(memory_.get(), rounded, MADV_HUGEPAGE);
}

}  // namespace otf
