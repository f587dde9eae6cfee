#include "engine/cuda/emulation/fibers.h"

#include <sys/mman.h>

#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

// For x86-64, as the whole program is. glibc's swapcontext asks the kernel for the signal mask each time, which is a
// hundred times the cost.
extern "C" void otfSwitchStack(void** save, void* load);
asm(R"(
.text
.hidden otfSwitchStack
.globl otfSwitchStack
.type otfSwitchStack,@function
otfSwitchStack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size otfSwitchStack,.-otfSwitchStack
)");

namespace otf::emulation {
namespace {

constexpr size_t kStackBytes = size_t{256} << 10;
Fibers* running = nullptr;

void entry() { running->begin(); }

}  // namespace

Fibers::Fibers() = default;

Fibers::~Fibers() {
  for (const Slot& slot : slots_) ::munmap(slot.stack, kStackBytes);
}

/// Made once and used again and again: AddressSanitizer keeps much for each.
void Fibers::addSlot() {
  void* stack = ::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (stack == MAP_FAILED) throw std::bad_alloc();
  slots_.push_back({});
  Slot& slot = slots_.back();
  slot.stack = static_cast<unsigned char*>(stack);
  // As otfSwitchStack leaves it: six registers, then where to return to; entry() starts as after a call.
  auto* top = reinterpret_cast<void**>(slot.stack + kStackBytes);
  --top;
  *--top = reinterpret_cast<void*>(&entry);
  for (int k = 0; k < 6; ++k) *--top = nullptr;
  slot.stackPointer = top;
}

bool Fibers::run(unsigned count, const std::function<void(unsigned)>& body) {
  running = this;
  body_ = &body;
  while (slots_.size() < count) addSlot();
  for (unsigned i = 0; i < count; ++i) slots_[i].waiting = slots_[i].ended = false;
  alive_ = count;
  while (alive_ > 0) {
    bool progress = false;
    for (unsigned i = 0; i < count; ++i) {
      if (slots_[i].ended || slots_[i].waiting) continue;
      progress = true;
      enter(i);
    }
    if (!progress) return false;
  }
  return true;
}

void Fibers::enter(unsigned fiber) {
  current_ = fiber;
  Slot& slot = slots_[fiber];
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&homeFake_, slot.stack, kStackBytes);
#endif
  otfSwitchStack(&home_, slot.stackPointer);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(homeFake_, nullptr, nullptr);
#endif
}

void Fibers::leave() {
  Slot& slot = slots_[current_];
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&slot.fake, homeStack_, homeSize_);
#endif
  otfSwitchStack(&slot.stackPointer, home_);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(slot.fake, &homeStack_, &homeSize_);
#endif
}

void Fibers::begin() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &homeStack_, &homeSize_);
#endif
  while (true) {
    (*body_)(current_);
    slots_[current_].ended = true;
    --alive_;
    leave();
  }
}

void Fibers::wait() {
  slots_[current_].waiting = true;
  leave();
}

}  // namespace otf::emulation
