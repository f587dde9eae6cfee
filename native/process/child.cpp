#include "process/child.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "process/last_words.h"
#include "process/wire.h"

extern char** environ;

namespace otf::process {
namespace {

constexpr size_t kLogBytes = 16384;
constexpr auto kGrace = std::chrono::seconds(2);
constexpr auto kAskStep = std::chrono::milliseconds(50);
/// Above every descriptor a child is given, so that dup2 in the child overwrites none of them.
constexpr int kLowestFd = 10;

/// A descriptor of ours.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd < 0 ? -1 : ::fcntl(fd, F_DUPFD_CLOEXEC, kLowestFd)) {
    if (fd >= 0) ::close(fd);
  }
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

class SpawnActions {
 public:
  SpawnActions() { ::posix_spawn_file_actions_init(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

class SpawnAttributes {
 public:
  SpawnAttributes() {
    ::posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t defaults;
    ::sigemptyset(&none);
    ::sigemptyset(&defaults);
    for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGSEGV, SIGABRT}) ::sigaddset(&defaults, signal);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &defaults);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }
  posix_spawnattr_t* get() { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

ChildEnded::How howEnded(int status, bool late) {
  if (late) return ChildEnded::How::kLate;
  const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  return killed ? ChildEnded::How::kKilled : ChildEnded::How::kItself;
}

}  // namespace

std::string programPath(const char* variable, const char* name) {
  if (const char* named = std::getenv(variable); named != nullptr && *named != '\0') return named;
  Dl_info info;
  std::string file;
  if (::dladdr(reinterpret_cast<const void*>(&programPath), &info) != 0 && info.dli_fname != nullptr)
    file = info.dli_fname;
  const size_t slash = file.rfind('/');
  return slash == std::string::npos ? name : file.substr(0, slash + 1) + name;
}

void Child::cannotStart(int error) const {
  const bool shortage = error == EMFILE || error == ENFILE || error == ENOMEM || error == EAGAIN;
  throw OtfError(shortage ? Code::kOutOfMemory : unavailable_,
                 "cannot start " + name_ + " " + program_ + ": " + std::strerror(error));
}

Child::Child(const Spec& spec)
    : name_(spec.name), program_(spec.program), unavailable_(spec.unavailable), failed_(spec.failed) {
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
  keeper_ = std::thread([this, &spec, &descriptors, theirs = childLog.get(), own = ownLog.release()] {
    keep(spec, descriptors, theirs);
    bool running = false;
    {
      // Nothing of the caller's is touched from here on: it goes on.
      const std::lock_guard lock(mutex_);
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

void Child::keep(const Spec& spec, std::vector<Inherited> descriptors, int log) {
  SpawnActions actions;
  SpawnAttributes attributes;
  ::posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(actions.get(), log, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(actions.get(), log, STDERR_FILENO);
  for (const Inherited& d : descriptors) ::posix_spawn_file_actions_adddup2(actions.get(), d.ours, d.theirs);
  // What a child inherits is this list: whatever else is open here without close-on-exec is closed there.
  for (int fd = STDERR_FILENO + 1; fd < kLowestFd; ++fd) {
    const bool listed = std::any_of(descriptors.begin(), descriptors.end(),
                                    [fd](const Inherited& d) { return d.theirs == fd; });
    if (!listed) ::posix_spawn_file_actions_addclose(actions.get(), fd);
  }
  ::posix_spawn_file_actions_addclosefrom_np(actions.get(), kLowestFd);
  std::vector<std::string> arguments{spec.program};
  arguments.insert(arguments.end(), spec.arguments.begin(), spec.arguments.end());
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, argv[0], actions.get(), attributes.get(), argv.data(), environ);
  const std::lock_guard lock(mutex_);
  startError_ = error;
  pid_ = pid;
}

void Child::readLog(int fd) {
  char buffer[4096];
  while (true) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    const std::lock_guard lock(mutex_);
    log_.append(buffer, static_cast<size_t>(got));
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
    killNow();
    const std::string why =
        refused ? " was ended because nobody waits for it" : " was ended because it took too long";
    throw ChildEnded(failed_, name_ + why + ", while " + doing,
                     refused ? ChildEnded::How::kUnwanted : ChildEnded::How::kLate);
  }
}

void Child::killNow() {
  std::unique_lock lock(mutex_);
  if (!ended_) ::kill(pid_, SIGKILL);
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
  throw ChildEnded(failed_, name_ + " " + describeExit(status_) + " while " + doing + lastWords(log_),
                   howEnded(status_, late));
}

}  // namespace otf::process
