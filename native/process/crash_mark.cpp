#include "process/crash_mark.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <vector>

#include "error/error.h"

namespace otf::process {
namespace {

/// Those whose default ends a process that has done something wrong, or was told so by a watchdog.
constexpr std::array kFaults = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS, SIGXCPU, SIGXFSZ};

std::atomic<int> markFd{-1};
std::array<struct sigaction, kFaults.size()> before;

/// Only what signal-safety(7) allows.
void mark(int signal) {
  std::array line = std::to_array("signal 00\n");
  line[7] = static_cast<char>('0' + signal / 10);
  line[8] = static_cast<char>('0' + signal % 10);
  const int saved = errno;
  // There is nobody left to tell that it could not be written.
  [[maybe_unused]] const ssize_t written = ::write(markFd.load(), line.data(), line.size() - 1);
  for (size_t i = 0; i < kFaults.size(); i++)
    if (kFaults[i] == signal) ::sigaction(signal, &before[i], nullptr);
  errno = saved;
  // Comes when this handler returns, also where somebody sent it and no instruction will repeat it.
  ::raise(signal);
}

class SignalStack {
 public:
  SignalStack() {
    stack_t now = {};
    if (::sigaltstack(nullptr, &now) != 0 || (now.ss_flags & SS_DISABLE) == 0) return;
    stack_t own = {};
    own.ss_sp = bytes_.data();
    own.ss_size = bytes_.size();
    owned_ = ::sigaltstack(&own, nullptr) == 0;
  }
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;
  ~SignalStack() {
    stack_t none = {};
    none.ss_flags = SS_DISABLE;
    if (owned_) ::sigaltstack(&none, nullptr);
  }

 private:
  static constexpr size_t kBytes = 64 * 1024;
  std::vector<std::byte> bytes_ = std::vector<std::byte>(kBytes);
  bool owned_ = false;
};

}  // namespace

void ensureSignalStack() { thread_local const SignalStack stack; }

void markCrashes(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) throw OtfError(Code::kOutputUnwritable, path + ": " + std::strerror(errno));
  const int earlier = markFd.exchange(fd);
  if (earlier >= 0) {
    ::close(earlier);
    return;
  }
  for (size_t i = 0; i < kFaults.size(); i++) {
    struct sigaction action = {};
    action.sa_handler = mark;
    action.sa_flags = SA_ONSTACK;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(kFaults[i], &action, &before[i]);
  }
}

}  // namespace otf::process
