// Starting a program with just the descriptors it is given.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

namespace otf::process {

/// A descriptor of ours: closed with its owner, and in programs that are started (close-on-exec).
class Fd {
 public:
  Fd() = default;
  /// Takes `fd` over, and moves it above every descriptor that a program is given, so that dup2 there overwrites none.
  explicit Fd(int fd);
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

struct Inherited {
  int ours = -1, theirs = -1;
};

struct Started {
  int error = 0;  // errno; 0: it runs
  pid_t pid = -1;
};

struct Program {
  std::string path;
  std::vector<std::string> arguments;    // without the program
  std::vector<std::string> environment;  // NAME=VALUE, before what this process has
};

/// Its standard output and error go to `log`; of the rest it gets `descriptors` and no others. Signals are at their
/// defaults. It has a session of its own: Ctrl-C in the terminal is its parent's to act on.
Started spawn(const Program& program, const std::vector<Inherited>& descriptors, int log);

/// Where a program or library of ours is: as the environment's `variable` says, else beside the file this code was
/// loaded from (addon or program).
std::string programPath(const char* variable, const char* name);

}  // namespace otf::process
