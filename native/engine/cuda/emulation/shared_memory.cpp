#include "engine/cuda/emulation/shared_memory.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "engine/cuda/emulation/cuda.h"

namespace otf::emulation {
namespace {

constexpr size_t kGranule = 2;  // the smallest element in use
constexpr size_t kAlignment = 1024;
// Finite nonsense would go unseen in a sum: what nobody wrote reads as NaN in every type in use.
constexpr unsigned char kUnwritten = 0xff;

struct Access {
  uint32_t writeEpoch = 0, readEpoch = 0;
  uint16_t writer = 0, reader = 0;
  bool manyReaders = false;
};

// Exactly the bytes that were asked for: AddressSanitizer sees what goes beyond.
unsigned char* memory = nullptr;
size_t size = 0;
uint32_t epoch = 1;
std::vector<Access> accesses;

bool inside(const void* address) {
  return memory != nullptr &&
         reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(memory) < size;
}

void race(const char* kind, size_t granule, unsigned one, unsigned other) {
  fault(std::string("race in shared memory, ") + kind + " at byte " + std::to_string(granule * kGranule) +
        " by threads " + std::to_string(one) + " and " + std::to_string(other) + " of block " +
        std::to_string(position.block.x));
}

template <typename Visit>
void eachGranule(const void* address, size_t bytes, Visit visit) {
  if (!inside(address)) return;
  const size_t first = static_cast<size_t>(static_cast<const unsigned char*>(address) - memory) / kGranule;
  const size_t count = (bytes + kGranule - 1) / kGranule;
  for (size_t i = first; i < first + count && i < accesses.size(); ++i) visit(i, accesses[i]);
}

}  // namespace

void beginShared(size_t bytes) {
  size = bytes;
  memory = bytes == 0 ? nullptr : static_cast<unsigned char*>(std::aligned_alloc(kAlignment, bytes));
  if (memory != nullptr) std::memset(memory, kUnwritten, bytes);
  accesses.assign((bytes + kGranule - 1) / kGranule, Access{});
  epoch = 1;
}

void endShared() {
  std::free(memory);
  memory = nullptr;
}

void orderShared() { ++epoch; }

void noteRead(unsigned thread, const void* address, size_t bytes) {
  eachGranule(address, bytes, [&](size_t i, Access& access) {
    if (access.writeEpoch == epoch && access.writer != thread)
      race("read and write", i, thread, access.writer);
    access.manyReaders =
        access.readEpoch == epoch && (access.manyReaders || access.reader != static_cast<uint16_t>(thread));
    access.readEpoch = epoch;
    access.reader = static_cast<uint16_t>(thread);
  });
}

void noteWrite(unsigned thread, const void* address, size_t bytes) {
  eachGranule(address, bytes, [&](size_t i, Access& access) {
    if (access.writeEpoch == epoch && access.writer != thread) race("two writes", i, thread, access.writer);
    if (access.readEpoch == epoch && (access.manyReaders || access.reader != thread))
      race("write and read", i, thread, access.reader);
    access.writeEpoch = epoch;
    access.writer = static_cast<uint16_t>(thread);
  });
}

unsigned char* sharedMemory() { return memory; }

}  // namespace otf::emulation

namespace {
unsigned self() { return otf::emulation::position.thread.x; }
}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier): the compiler's names
// What GCC and Clang call. Reads and writes of other memory than the block's are nobody's business here.
extern "C" {
#define OTF_ACCESS(bytes)                                                                                \
  void __tsan_read##bytes(void* address) { otf::emulation::noteRead(self(), address, bytes); }           \
  void __tsan_write##bytes(void* address) { otf::emulation::noteWrite(self(), address, bytes); }         \
  void __tsan_unaligned_read##bytes(void* address) { otf::emulation::noteRead(self(), address, bytes); } \
  void __tsan_unaligned_write##bytes(void* address) { otf::emulation::noteWrite(self(), address, bytes); }
OTF_ACCESS(1)
OTF_ACCESS(2)
OTF_ACCESS(4)
OTF_ACCESS(8)
OTF_ACCESS(16)
#undef OTF_ACCESS
void __tsan_read_range(void* address, size_t bytes) { otf::emulation::noteRead(self(), address, bytes); }
void __tsan_write_range(void* address, size_t bytes) { otf::emulation::noteWrite(self(), address, bytes); }
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
}
// NOLINTEND(bugprone-reserved-identifier)
