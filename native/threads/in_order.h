// Pieces of work done by several threads, whose ends come in order.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "threads/in_threads.h"

namespace otf {

/// work(i, worker) for each i in [0, count), as inThreads, `worker` in [0, threads) the one that does it; then end(i, worker), one at a
/// time and in the order of i. The first exception is thrown here, and nothing ends after it.
template <typename Work, typename End>
void inOrder(int count, int threads, const Work& work, const End& end) {
  std::atomic<int> next{0};
  std::mutex ending;
  std::condition_variable ended;
  int turn = 0;
  bool isBroken = false;
  const auto run = [&](int i, int worker) {
    work(i, worker);
    std::unique_lock lock(ending);
    ended.wait(lock, [&] { return isBroken || turn == i; });
    if (isBroken) return;
    end(i, worker);
    ++turn;
    ended.notify_all();
  };
  inThreads(std::min(count, std::max(threads, 1)), threads, [&](int worker) {
    try {
      for (int i = next++; i < count; i = next++) run(i, worker);
    } catch (...) {
      const std::lock_guard lock(ending);
      isBroken = true;
      next = count;
      ended.notify_all();
      throw;
    }
  });
}

}  // namespace otf
