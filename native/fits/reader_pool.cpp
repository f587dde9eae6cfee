#include "fits/reader_pool.h"

#include <sched.h>

#include <algorithm>
#include <thread>

#include "error/error.h"

namespace otf::fits {
namespace {

using process::ChildEnded;

constexpr int kAttempts = 4;
constexpr auto kAskStep = std::chrono::milliseconds(50);
/// How long a reader that cannot be started (no descriptors, no processes left) is waited for.
constexpr auto kShortageStep = std::chrono::milliseconds(100);
constexpr int kShortageSteps = 50;

int cpus() {
  cpu_set_t set;
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

}  // namespace

ReaderPool::ReaderPool() = default;
ReaderPool::~ReaderPool() = default;

ReaderPool& ReaderPool::instance() {
  static ReaderPool pool;
  return pool;
}

void ReaderPool::configure(const ReaderLimits& limits) {
  std::list<std::unique_ptr<ReaderProcess>> ended;  // outside the lock: ending takes a moment
  const std::lock_guard lock(mutex_);
  limits_ = limits;
  ended.swap(idle_);
}

ReaderStats ReaderPool::stats() const {
  const std::lock_guard lock(mutex_);
  ReaderStats stats = stats_;
  stats.idle = static_cast<int>(idle_.size());
  return stats;
}

std::unique_ptr<ReaderProcess> ReaderPool::start() {
  std::chrono::milliseconds deadline;
  {
    const std::lock_guard lock(mutex_);
    deadline = limits_.deadline;
  }
  for (int step = 0;; ++step) {
    try {
      auto reader = std::make_unique<ReaderProcess>(deadline);
      const std::lock_guard lock(mutex_);
      ++stats_.started;
      return reader;
    } catch (const OtfError& error) {
      if (error.code() != Code::kOutOfMemory || step == kShortageSteps) throw;
    }
    std::this_thread::sleep_for(kShortageStep);
  }
}

void ReaderPool::warm(int count) {
  for (int i = 0; i < count; ++i) {
    auto reader = start();
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(reader));
  }
}

std::unique_ptr<ReaderProcess> ReaderPool::take(int64_t image, int64_t needsBytes,
                                                const ReaderProcess::Unwanted& unwanted) {
  std::unique_lock lock(mutex_);
  const int most = limits_.most > 0 ? limits_.most : std::max(2, cpus());
  const auto free = [&] {
    return stats_.busy < most && (stats_.busy == 0 || neededBytes_ + needsBytes <= limits_.memoryBytes);
  };
  while (!changed_.wait_for(lock, kAskStep, free)) {
    if (unwanted()) throw OtfError(Code::kCancelled, "reading was cancelled");
  }
  ++stats_.busy;
  neededBytes_ += needsBytes;
  if (idle_.empty()) return nullptr;
  auto found =
      std::find_if(idle_.begin(), idle_.end(), [&](const auto& reader) { return reader->image == image; });
  if (found == idle_.end())
    found = std::find_if(idle_.begin(), idle_.end(), [](const auto& reader) { return reader->image == 0; });
  if (found == idle_.end()) {
    // Rather a new one than to take away an image that is being read.
    if (static_cast<int>(idle_.size()) + stats_.busy <= most) return nullptr;
    found = idle_.begin();
  }
  std::unique_ptr<ReaderProcess> reader = std::move(*found);
  idle_.erase(found);
  return reader;
}

void ReaderPool::give(std::unique_ptr<ReaderProcess> reader, int64_t needsBytes) {
  {
    const std::lock_guard lock(mutex_);
    --stats_.busy;
    neededBytes_ -= needsBytes;
    if (reader) idle_.push_back(std::move(reader));
  }
  changed_.notify_all();
}

void ReaderPool::count(ChildEnded::How how) {
  const std::lock_guard lock(mutex_);
  if (how == ChildEnded::How::kLate) ++stats_.late;
  if (how == ChildEnded::How::kKilled) ++stats_.killed;
  if (how == ChildEnded::How::kItself) ++stats_.crashed;
}

void ReaderPool::run(int64_t image, int64_t needsBytes, const std::string& label,
                     const std::atomic<bool>* cancel, const Work& work) {
  const auto unwanted = [&] { return stopped_ || (cancel != nullptr && *cancel); };
  for (int attempt = 1;; ++attempt) {
    std::unique_ptr<ReaderProcess> reader = take(image, needsBytes, unwanted);
    try {
      if (!reader) reader = start();
      work(*reader, unwanted);
      give(std::move(reader), needsBytes);
      return;
    } catch (const ChildEnded& ended) {
      reader.reset();
      give(nullptr, needsBytes);
      const auto how = ended.how();
      count(how);
      if (how == ChildEnded::How::kUnwanted) throw OtfError(Code::kCancelled, "reading was cancelled");
      if (how == ChildEnded::How::kLate || (how == ChildEnded::How::kItself && attempt > 1))
        throw OtfError(Code::kFitsUnreadable, label + " cannot be decompressed: " + ended.what());
      if (attempt == kAttempts)
        throw OtfError(Code::kOutOfMemory, label + ": " + ended.what() + ", " + std::to_string(kAttempts) +
                                               " times: there may be too little memory");
    } catch (...) {
      // What CFITSIO leaves behind after an error is unknown.
      reader.reset();
      give(nullptr, needsBytes);
      throw;
    }
  }
}

void ReaderPool::forget(int64_t image) {
  std::unique_ptr<ReaderProcess> reader;
  {
    const std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(idle_.begin(), idle_.end(), [&](const auto& each) { return each->image == image; });
    if (found == idle_.end()) return;
    reader = std::move(*found);
    idle_.erase(found);
    ++stats_.busy;
  }
  try {
    reader->close();
  } catch (const OtfError&) {
    reader.reset();  // it has ended, and with it what it held
  }
  give(std::move(reader), 0);
}

}  // namespace otf::fits
