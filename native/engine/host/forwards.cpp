#include "engine/host/forwards.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace otf::host {

Forwards::Forwards(int atOnce)
    : atOnce_(static_cast<size_t>(std::max(1, atOnce))), answering_([this] { answer(); }) {}

Forwards::~Forwards() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  answering_.join();
}

void Forwards::add(std::function<void()> work, std::function<void(double)> done,
                   std::function<void(std::exception_ptr)> failed) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return passes_.size() < atOnce_; });
  passes_.push_back(
      {std::async(std::launch::async, std::move(work)), Clock::now(), std::move(done), std::move(failed)});
  changed_.notify_all();
}

void Forwards::drain() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return passes_.empty(); });
}

void Forwards::answer() {
  Clock::time_point ended{};
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stop_ || !passes_.empty(); });
    if (passes_.empty()) return;
    Pass& first = passes_.front();
    lock.unlock();
    try {
      first.work.get();
      const auto now = Clock::now();
      first.done(std::chrono::duration<double>(now - std::max(first.begun, ended)).count());
      ended = now;
    } catch (...) {
      first.failed(std::current_exception());
      ended = Clock::now();
    }
    lock.lock();
    passes_.pop_front();
    changed_.notify_all();
  }
}

}  // namespace otf::host
