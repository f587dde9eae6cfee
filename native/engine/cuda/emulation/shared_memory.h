// The shared memory of the running block, and who touched which part of it since the last barrier. Kernels are
// compiled with -fsanitize=thread: the compiler then calls a function at each access of memory, and
// shared_memory.cpp answers those calls itself (no ThreadSanitizer is linked).
#pragma once

#include <cstddef>

namespace otf::emulation {

void beginShared(size_t bytes);
void endShared();
/// A barrier of the whole block: what came before it is ordered with what comes after.
void orderShared();
void noteRead(unsigned thread, const void* address, size_t bytes);
void noteWrite(unsigned thread, const void* address, size_t bytes);

}  // namespace otf::emulation
