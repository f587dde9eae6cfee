#include "engine/tests/failing_allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

// Where the executable's code lies, told by the linker.
extern "C" const char __executable_start, etext;  // NOLINT(bugprone-reserved-identifier)

namespace otf::test {
namespace {

constexpr int64_t kNever = INT64_MAX;
std::atomic<int64_t> left{kNever};
std::atomic<bool> lasting{false};

bool fails(const void* caller) {
  if (caller < &__executable_start || caller >= &etext || left.load() == kNever) return false;
  const int64_t before = left.fetch_sub(1);
  return before == 0 || (before < 0 && lasting.load());
}

}  // namespace

FailingAllocation::FailingAllocation(int64_t n, Later later) {
  lasting = later == Later::kFail;
  left = n;
}
FailingAllocation::~FailingAllocation() { left = kNever; }
bool FailingAllocation::failed() const { return left.load() < 0; }

}  // namespace otf::test

void* operator new(size_t bytes) {
  if (otf::test::fails(__builtin_return_address(0))) throw std::bad_alloc();
  if (void* const found = std::malloc(bytes == 0 ? 1 : bytes)) return found;
  throw std::bad_alloc();
}
/// Given back by the same `delete`: nothing else may have made it.
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return std::malloc(bytes == 0 ? 1 : bytes);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
