// Native objects that JavaScript names by a number. The tables belong to the process, not to one JavaScript
// environment: the main thread and every worker load the same library, so that an object opened by one worker
// is used by another, and no pixel crosses between them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "error/error.h"

namespace otf::addon {

/// Thread-safe. Whoever uses an object holds a share: closing it elsewhere never takes it away mid-use.
template <typename Object>
class Handles {
 public:
  explicit Handles(std::string kind) : kind_(std::move(kind)) {}

  int64_t add(std::shared_ptr<Object> object) {
    const std::lock_guard lock(mutex_);
    objects_.emplace(++last_, std::move(object));
    return last_;
  }

  /// Throws kInvalidArgument for a number that is not (any more) one of an object.
  std::shared_ptr<Object> get(int64_t handle) {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(handle);
    if (found == objects_.end())
      throw OtfError(Code::kInvalidArgument, "no " + kind_ + " " + std::to_string(handle));
    return found->second;
  }

  /// Idempotent. The object ends outside the lock, with its last user.
  void close(int64_t handle) {
    std::shared_ptr<Object> last;  // declared first: let go of after the lock
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(handle);
    if (found == objects_.end()) return;
    last = std::move(found->second);
    objects_.erase(found);
  }

 private:
  const std::string kind_;
  std::mutex mutex_;
  std::map<int64_t, std::shared_ptr<Object>> objects_;
  int64_t last_ = 0;
};

}  // namespace otf::addon
