// Memory for what is needed often and briefly: kept for the next one. Fresh pages cost the kernel several
// times what filling them costs.
#pragma once

#include <cstddef>

#include "tensor/buffer.h"

namespace otf {

/// Uninitialised bytes, 64-byte aligned, of a buffer somebody may have used before. The process keeps a few
/// that are free, of at most 16 MiB each. Throws kOutOfMemory. Move-only; made and destroyed in any thread.
class RecycledBuffer {
 public:
  explicit RecycledBuffer(size_t bytes);
  RecycledBuffer(RecycledBuffer&&) = default;
  RecycledBuffer& operator=(RecycledBuffer&&) = delete;
  ~RecycledBuffer();
  float* floats() const { return buffer_.floats(); }
  void* data() const { return buffer_.data(); }
  /// At least what was asked for.
  size_t bytes() const { return buffer_.bytes(); }

 private:
  Buffer buffer_;
};

}  // namespace otf
