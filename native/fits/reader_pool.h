// The otf-reader processes of this program: started warm, lent to one window at a time, replaced after a death.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "fits/reader_process.h"

namespace otf::fits {

struct ReaderLimits {
  int most = 0;                                // processes; 0: the CPUs this program may use, 2 at least
  std::chrono::milliseconds deadline{60'000};  // for one window
  int64_t memoryBytes = int64_t{4} << 30;      // that the readers at work may need together
};

struct ReaderStats {
  int64_t started = 0;
  int64_t crashed = 0;  // ended by themselves: a signal, an exit
  int64_t killed = 0;   // SIGKILL from outside
  int64_t late = 0;     // ended here, over their deadline
  int idle = 0, busy = 0;
};

/// Thread-safe.
class ReaderPool {
 public:
  /// Of the whole program.
  static ReaderPool& instance();

  void configure(const ReaderLimits& limits);
  /// Starts so many, so that no image waits for it. What goes wrong is told when one is needed.
  void warm(int count);
  ReaderStats stats() const;

  /// Whatever is being read is given up (kCancelled), and nothing is begun any more.
  void stop() { stopped_ = true; }

  /// What to do with a reader. It throws process::ChildEnded when the reader has ended, other errors when it is well
  /// but the image is not.
  using Work = std::function<void(ReaderProcess&, const ReaderProcess::Unwanted&)>;
  /// Runs `work` with a reader, if possible the one that has this image open (ReaderProcess::image), once the memory it
  /// `needs` may be taken. Another reader is tried when one is killed from outside, or dies the first time. Throws
  /// kFitsUnreadable naming `label` when the image is to blame, kOutOfMemory when no reader can be had, kCancelled once
  /// `cancel` (may be null) is true or the pool is stopped.
  void run(int64_t image, int64_t needsBytes, const std::string& label, const std::atomic<bool>* cancel,
           const Work& work);

  /// The image is closed: no reader keeps its file open.
  void forget(int64_t image);

  ReaderPool(const ReaderPool&) = delete;
  ReaderPool& operator=(const ReaderPool&) = delete;
  ~ReaderPool();

 private:
  ReaderPool();
  std::unique_ptr<ReaderProcess> take(int64_t image, int64_t needsBytes,
                                      const ReaderProcess::Unwanted& unwanted);
  std::unique_ptr<ReaderProcess> start();
  void count(process::ChildEnded::How how);
  void give(std::unique_ptr<ReaderProcess> reader, int64_t needsBytes);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> stopped_{false};
  ReaderLimits limits_;
  ReaderStats stats_;
  int64_t neededBytes_ = 0;                         // by those at work
  std::list<std::unique_ptr<ReaderProcess>> idle_;  // the most recently used last
};

}  // namespace otf::fits
