#include "engine/threads/worker_thread.h"

#include <omp.h>

#include <utility>

namespace otf {

int threadsFor(int asked) { return asked > 0 ? asked : omp_get_num_procs(); }

WorkerThread::WorkerThread(int ompThreads) : thread_([this, ompThreads] { loop(ompThreads); }) {}

WorkerThread::~WorkerThread() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void WorkerThread::run(const std::function<void()>& work) {
  const std::lock_guard turn(turn_);
  std::unique_lock lock(mutex_);
  work_ = &work;
  wake_.notify_one();
  done_.wait(lock, [&] { return work_ == nullptr; });
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

void WorkerThread::loop(int ompThreads) {
  omp_set_num_threads(ompThreads);  // a per-thread setting: no other engine sees it
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return stop_ || work_ != nullptr; });
    if (work_ == nullptr) return;
    lock.unlock();
    std::exception_ptr error;
    try {
      (*work_)();
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    error_ = error;
    work_ = nullptr;
    done_.notify_one();
  }
}

}  // namespace otf
