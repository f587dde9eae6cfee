// Threads of a block as fibers: each runs until it waits, then the next one does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace otf::emulation {

/// Runs `body(i)` for i in [0, count), each on a stack of its own, in turns. One at a time in the process.
class Fibers {
 public:
  Fibers();
  ~Fibers();
  Fibers(const Fibers&) = delete;
  Fibers& operator=(const Fibers&) = delete;

  /// False: all that are left wait for something that no one will do.
  bool run(unsigned count, const std::function<void(unsigned)>& body);
  /// The one that is running; only inside run().
  unsigned current() const { return current_; }
  /// Gives way until wake(current()) was called.
  void wait();
  void wake(unsigned fiber) { slots_[fiber].waiting = false; }
  /// Those that have not ended.
  unsigned alive() const { return alive_; }

  /// For the stack of a fiber that begins; nobody else.
  [[noreturn]] void begin();

 private:
  struct Slot {
    void* stackPointer = nullptr;
    unsigned char* stack = nullptr;
    void* fake = nullptr;  // AddressSanitizer's
    bool waiting = false, ended = false;
  };
  void enter(unsigned fiber);
  void leave();
  void addSlot();

  std::vector<Slot> slots_;
  void* home_ = nullptr;
#if defined(__SANITIZE_ADDRESS__)
  void* homeFake_ = nullptr;
  const void* homeStack_ = nullptr;
  size_t homeSize_ = 0;
#endif
  unsigned current_ = 0, alive_ = 0;
  const std::function<void(unsigned)>* body_ = nullptr;
};

}  // namespace otf::emulation
