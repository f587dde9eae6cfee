// One otf-reader and the window it writes into.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "process/child.h"
#include "tensor/slots.h"

namespace otf::fits {

/// One thread at a time. Every call throws process::ChildEnded (kFitsUnreadable) when the process has ended or was ended
/// for being late, and what it answers.
class ReaderProcess {
 public:
  /// Throws as process::Child (kInternal when the program is not there).
  explicit ReaderProcess(std::chrono::milliseconds deadline);

  /// Asked while it works; what it is asked for is given up when it says true.
  using Unwanted = std::function<bool()>;

  int64_t image = 0;  // which one it has open, by the number of its user; 0: none

  /// `command` as in reader_protocol.h; the descriptor goes with it and stays the caller's.
  void open(const std::string& command, int fd, const std::string& label, const Unwanted& unwanted);
  /// The window is then at pixels(), row after row.
  void read(int64_t x0, int64_t y0, int64_t columns, int64_t rows, const std::string& label,
            const Unwanted& unwanted);
  const float* pixels() const { return reinterpret_cast<const float*>(window_.slot(0)); }
  /// Lets go of the file, and of the window's memory.
  void close();

 private:
  void ask(const std::string& command, int fd, const std::string& answer, const std::string& doing,
           const Unwanted& unwanted);

  const std::chrono::milliseconds deadline_;
  SharedSlots window_;
  process::Child child_;
};

}  // namespace otf::fits
