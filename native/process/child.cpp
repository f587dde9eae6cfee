#include "process/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <new>
#include <utility>

#include "process/last_words.h"
#include "process/spawn.h"
#include "process/wire.h"

namespace otf::process {
namespace {

constexpr size_t kLogBytes = 16384;
constexpr auto kGrace = std::chrono::seconds(2);
constexpr auto kAskStep = std::chrono::milliseconds(50);
ChildEnded::How howEnded(int status, bool late) {
  if (late) return ChildEnded::How::kLate;
  const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  return killed ? ChildEnded::How::kKilled : ChildEnded::How::kItself;
}

}  // namespace

void Child::cannotStart(int error) const {
  const bool shortage = error == EMFILE || error == ENFILE || error == ENOMEM || error == EAGAIN;
  throw OtfError(shortage ? Code::kOutOfMemory : unavailable_,
                 "cannot start " + name_ + " " + program_ + ": " + std::strerror(error));
}

Child::Child(const Spec& spec)
    : name_(spec.name), program_(spec.program.path), unavailable_(spec.unavailable), failed_(spec.failed) {
  std::array<int, 2> commands{}, replies{}, log{};
  const auto made = [this](int result, std::array<int, 2>& pair) {
    if (result != 0) cannotStart(errno);
    return std::pair(Fd(pair[0]), Fd(pair[1]));
  };
  auto [command, childCommand] =
      made(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, commands.data()), commands);
  auto [reply, childReply] =
      made(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, replies.data()), replies);
  auto [ownLog, childLog] = made(::pipe2(log.data(), O_CLOEXEC), log);
  std::vector<Inherited> descriptors{{childCommand.get(), kCommandFd}, {childReply.get(), kReplyFd}};
  std::vector<Fd> copies;
  for (const Inherited& given : spec.descriptors) {
    copies.emplace_back(::dup(given.ours));
    descriptors.push_back({copies.back().get(), given.theirs});
  }
  const bool complete =
      command.get() >= 0 && reply.get() >= 0 && ownLog.get() >= 0 && childLog.get() >= 0 &&
      std::all_of(descriptors.begin(), descriptors.end(), [](const Inherited& d) { return d.ours >= 0; });
  if (!complete) cannotStart(EMFILE);

  // The process is started by a thread that outlives it: PR_SET_PDEATHSIG is about the starting thread, and
  // ours may be a worker that comes and goes.
  keeper_ = std::thread([this, &spec, &descriptors, theirs = childLog.get(), own = ownLog.get()] {
    Started started;
    // An exception would end the whole program: a thread has nobody to catch it.
    try {
      started = spawn(spec.program, descriptors, theirs);
    } catch (const std::bad_alloc&) {
      started.error = ENOMEM;
    }
    bool running = false;
    {
      // Nothing of the caller's is touched from here on: it goes on.
      const std::lock_guard lock(mutex_);
      startError_ = started.error;
      pid_ = started.pid;
      started_ = true;
      running = startError_ == 0;
      if (!running) ended_ = true;
    }
    changed_.notify_all();
    if (running) {
      readLog(own);
      await();
    }
    ::close(own);
  });
  ownLog.release();  // the thread's
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return started_; });
  }
  if (startError_ != 0) {
    keeper_.join();
    cannotStart(startError_);
  }
  commandFd_ = command.release();
  replyFd_ = reply.release();
}

void Child::readLog(int fd) {
  char buffer[4096];
  while (true) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    const std::lock_guard lock(mutex_);
    try {
      log_.append(buffer, static_cast<size_t>(got));
    } catch (const std::bad_alloc&) {
      // What it says is lost; it goes on.
      log_.clear();
    }
    if (log_.size() > 2 * kLogBytes) log_.erase(0, log_.size() - kLogBytes);
  }
}

void Child::await() {
  siginfo_t info;
  // Waited for without being reaped first, so that the destructor never signals a pid that has become
  // another's.
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  {
    const std::lock_guard lock(mutex_);
    ::waitpid(pid_, &status_, 0);
    ended_ = true;
  }
  changed_.notify_all();
}

Child::~Child() {
  ::close(commandFd_);
  {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kGrace, [&] { return ended_; })) ::kill(pid_, SIGKILL);
  }
  keeper_.join();
  ::close(replyFd_);
}

void Child::send(const std::string& line, int fd) {
  const std::string whole = line + "\n";
  size_t sent = 0;
  while (sent < whole.size()) {
    const ssize_t got = sendWith(commandFd_, whole.data() + sent, whole.size() - sent, sent == 0 ? fd : -1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return;  // it has ended: receive() says how
    sent += static_cast<size_t>(got);
  }
}

std::string Child::receive(const std::string& doing, std::optional<std::chrono::milliseconds> limit) {
  Until until;
  if (limit) until = std::chrono::steady_clock::now() + *limit;
  return next(doing, until, nullptr);
}

std::string Child::receive(const std::string& doing, std::chrono::milliseconds limit,
                           const std::function<bool()>& unwanted) {
  return next(doing, std::chrono::steady_clock::now() + limit, unwanted);
}

std::string Child::next(const std::string& doing, Until until, const std::function<bool()>& unwanted) {
  while (true) {
    if (const size_t end = replies_.find('\n'); end != std::string::npos) {
      std::string line = replies_.substr(0, end);
      replies_.erase(0, end + 1);
      return line;
    }
    if (until) awaitReply(doing, until, unwanted);
    char buffer[4096];
    const ssize_t got = ::read(replyFd_, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throwEnded(doing);
    replies_.append(buffer, static_cast<size_t>(got));
  }
}

/// Returns when there is something to read, or the end.
void Child::awaitReply(const std::string& doing, Until until, const std::function<bool()>& unwanted) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - std::chrono::steady_clock::now());
    const auto step = unwanted ? std::min(left, kAskStep) : left;
    pollfd waiting{replyFd_, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::max<int64_t>(step.count(), 0)));
    if (ready > 0) return;
    if (ready < 0 && errno == EINTR) continue;
    const bool refused = unwanted && unwanted();
    if (!refused && step < left) continue;
    kill();
    awaitEnd();
    const std::string why =
        refused ? " was ended because nobody waits for it" : " was ended because it took too long";
    throw ChildEnded(failed_, name_ + why + ", while " + doing,
                     refused ? ChildEnded::How::kUnwanted : ChildEnded::How::kLate);
  }
}

void Child::kill() {
  const std::lock_guard lock(mutex_);
  if (!ended_) ::kill(pid_, SIGKILL);
}

void Child::awaitEnd() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return ended_; });
}

void Child::throwEnded(const std::string& doing) {
  std::unique_lock lock(mutex_);
  bool late = false;
  if (!changed_.wait_for(lock, kGrace, [&] { return ended_; })) {
    late = true;
    ::kill(pid_, SIGKILL);
    changed_.wait(lock, [&] { return ended_; });
  }
  const std::string end = describeExit(status_);
  throw ChildEnded(failed_, name_ + " " + end + " while " + doing + lastWords(log_), howEnded(status_, late),
                   end, log_);
}

}  // namespace otf::process
