// A started program of ours (otf-engine, otf-reader): its descriptors, its log, its end.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "error/error.h"
#include "process/spawn.h"

namespace otf::process {

/// How a process ended while something was asked of it.
class ChildEnded : public OtfError {
 public:
  enum class How {
    kItself,  // exited, or was ended by a signal its own instructions raised (SIGSEGV, SIGABRT, SIGXCPU ...)
    kKilled,  // SIGKILL from outside: an operator, or the kernel for lack of memory
    kLate,    // ended by us, because it took too long
    kUnwanted,  // ended by us, because nobody waits for the answer any more
  };
  ChildEnded(Code code, const std::string& message, How how, std::string end = {}, std::string log = {})
      : OtfError(code, message), how_(how), end_(std::move(end)), log_(std::move(log)) {}
  How how() const { return how_; }
  /// "exited with code 1"; empty when it was ended by us.
  const std::string& end() const { return end_; }
  /// The last part of what it printed.
  const std::string& log() const { return log_; }

 private:
  How how_;
  std::string end_, log_;
};

/// One process. send() from one thread at a time, and receive() likewise. The destructor ends the process: it closes
/// the command line, and kills after a short while.
class Child {
 public:
  struct Spec {
    Program program;
    std::string name = "the engine process";  // in messages
    Code unavailable = Code::kEngineUnavailable, failed = Code::kEngineFailed;
    /// 3 and above; besides these it gets 0-2, kCommandFd and kReplyFd, and no others.
    std::vector<Inherited> descriptors;
  };

  /// Throws `unavailable`: the program is not there or cannot be started; kOutOfMemory: no descriptors, memory or
  /// processes are left for it.
  explicit Child(const Spec& spec);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  /// One line, without its end; `fd`, when it is one, goes with it. A process that has ended is noticed by
  /// receive().
  void send(const std::string& line, int fd = -1);
  /// The next reply. Throws ChildEnded with the code `failed` when the process has ended: how, while `doing`
  /// what, and its last words. A process that has not answered within `limit` is ended.
  std::string receive(const std::string& doing,
                      std::optional<std::chrono::milliseconds> limit = std::nullopt);
  /// The same, and the process is ended once `unwanted` says so (asked some twenty times a second): How::kUnwanted.
  std::string receive(const std::string& doing, std::chrono::milliseconds limit,
                      const std::function<bool()>& unwanted);

  int pid() const { return pid_; }
  /// From any thread, without waiting: receive() says when it has ended.
  void kill();

 private:
  void readLog(int fd);
  void await();
  void awaitEnd();
  using Until = std::optional<std::chrono::steady_clock::time_point>;
  std::string next(const std::string& doing, Until until, const std::function<bool()>& unwanted);
  void awaitReply(const std::string& doing, Until until, const std::function<bool()>& unwanted);
  [[noreturn]] void throwEnded(const std::string& doing);
  [[noreturn]] void cannotStart(int error) const;

  const std::string name_, program_;
  const Code unavailable_, failed_;
  int commandFd_ = -1, replyFd_ = -1;
  std::string replies_;  // read, but not yet a whole line
  std::mutex mutex_;     // over what the keeper shares:
  std::condition_variable changed_;
  int pid_ = -1;
  int startError_ = 0;
  bool started_ = false, ended_ = false;
  int status_ = 0;   // of waitpid, once ended_
  std::string log_;  // its last part
  std::thread keeper_;
};

}  // namespace otf::process
