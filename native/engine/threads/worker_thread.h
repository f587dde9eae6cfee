// One thread that owns an OpenMP team. libgomp gives every calling thread a team of its own: without this, an
// engine called from many threads would leave a team behind on each of them, all of them wanting the same cores.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace otf {

/// run() executes a function on the thread and waits; exceptions come back. Thread-safe: callers take turns.
class WorkerThread {
 public:
  /// `ompThreads`: size of the team.
  explicit WorkerThread(int ompThreads);
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;
  ~WorkerThread();
  void run(const std::function<void()>& work);

 private:
  void loop(int ompThreads);
  std::mutex turn_;  // held by the caller being served
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  const std::function<void()>* work_ = nullptr;
  std::exception_ptr error_;
  bool stop_ = false;
  std::thread thread_;  // last: starts when the rest is ready
};

/// EngineOptions::threads as a number of threads: 0 stands for the CPUs this process may use.
int threadsFor(int asked);

}  // namespace otf
