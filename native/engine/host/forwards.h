// Forward passes under way: as many as the engine has a use for, answered in the order they were asked for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <thread>

namespace otf::host {

class Forwards {
 public:
  using Clock = std::chrono::steady_clock;
  /// `atOnce` >= 1.
  explicit Forwards(int atOnce);
  Forwards(const Forwards&) = delete;
  Forwards& operator=(const Forwards&) = delete;
  ~Forwards();

  /// Runs `work` on a thread of its own, then `done` with the seconds the engine was busy with it: from the
  /// end of the one before, if that was later than its own beginning. Exceptions of `work` go to `failed`.
  /// Waits while enough are under way.
  void add(std::function<void()> work, std::function<void(double seconds)> done,
           std::function<void(std::exception_ptr)> failed);
  /// Until nothing is under way.
  void drain();

 private:
  struct Pass {
    std::future<void> work;
    Clock::time_point begun;
    std::function<void(double)> done;
    std::function<void(std::exception_ptr)> failed;
  };
  void answer();

  size_t atOnce_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Pass> passes_;  // the first is being waited for
  bool stop_ = false;
  std::thread answering_;  // last: starts when the rest is ready
};

}  // namespace otf::host
