// The network's output of every item of a task, kept in a file: float32, in the order of the items.
#pragma once

#include <cstdint>
#include <string>

namespace otf {

/// Throws kOutputUnwritable. Different values may be written from several threads.
class RawOutput {
 public:
  explicit RawOutput(const std::string& path);
  RawOutput(const RawOutput&) = delete;
  RawOutput& operator=(const RawOutput&) = delete;
  ~RawOutput();

  /// `count` values from value `at` of the file on.
  void write(const float* values, int64_t count, int64_t at);
  void sync();

 private:
  int fd_;
};

}  // namespace otf
