// Independent pieces of work on several threads.
#pragma once

#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace otf {

/// work(i) for each i in [0, count), by this thread and at most `threads` - 1 others, in any order. The first exception
/// is thrown here, once all have come to an end; what has not begun by then is left out. With no more threads to be had, those
/// there are do it.
template <typename Index, typename Work>
void inThreads(Index count, int threads, const Work& work) {
  std::atomic<Index> next{0};
  std::exception_ptr failure;
  std::mutex failing;
  const auto run = [&] {
    try {
      for (Index i = next++; i < count; i = next++) work(i);
    } catch (...) {
      const std::lock_guard lock(failing);
      if (!failure) failure = std::current_exception();
      next = count;
    }
  };
  {
    std::vector<std::jthread> others;
    try {
      for (int i = 1; i < threads && static_cast<Index>(i) < count; ++i) others.emplace_back(run);
    } catch (const std::system_error&) {
      // Those that started share the work with this one.
    }
    run();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace otf
