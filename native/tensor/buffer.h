// Memory for tensors: aligned for the widest vector unit, and sized once.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace otf {

/// Owned, 64-byte aligned, uninitialised bytes. Throws kOutOfMemory naming the size. Move-only; one thread at a time.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t bytes);
  void* data() const { return memory_.get(); }
  float* floats() const { return static_cast<float*>(memory_.get()); }
  size_t bytes() const { return bytes_; }

 private:
  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  std::unique_ptr<void, Free> memory_;
  size_t bytes_ = 0;
};

}  // namespace otf
