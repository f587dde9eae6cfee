#include "engine/process/child.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "engine/process/last_words.h"
#include "engine/process/protocol.h"
#include "error/error.h"

extern char** environ;

namespace otf::process {
namespace {

constexpr size_t kLogBytes = 16384;
constexpr auto kGrace = std::chrono::seconds(2);

/// A descriptor of ours, moved above those the child is given so that dup2 in the child overwrites none of them.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd < 0 ? -1 : ::fcntl(fd, F_DUPFD_CLOEXEC, 10)) {
    if (fd >= 0) ::close(fd);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

[[noreturn]] void cannotStart(const std::string& program, int error) {
  throw OtfError(Code::kEngineUnavailable,
                 "cannot start the engine process " + program + ": " + std::strerror(error));
}

void socketPair(int (&pair)[2]) {
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) cannotStart(enginePath(), errno);
}

}  // namespace

std::string enginePath() {
  if (const char* named = std::getenv("OTF_ENGINE_PROGRAM"); named != nullptr && *named != '\0') return named;
  Dl_info info;
  std::string file;
  if (::dladdr(reinterpret_cast<const void*>(&enginePath), &info) != 0 && info.dli_fname != nullptr)
    file = info.dli_fname;
  const size_t slash = file.rfind('/');
  return slash == std::string::npos ? "otf-engine" : file.substr(0, slash + 1) + "otf-engine";
}

Child::Child(const Spec& spec) {
  int commands[2], replies[2], log[2];
  socketPair(commands);
  Fd command(commands[0]), childCommand(commands[1]);
  socketPair(replies);
  Fd reply(replies[0]), childReply(replies[1]);
  if (::pipe2(log, O_CLOEXEC) != 0) cannotStart(enginePath(), errno);
  Fd ownLog(log[0]), childLog(log[1]);
  Fd slots(spec.slotsFd < 0 ? -1 : ::dup(spec.slotsFd)),
      network(spec.networkFd < 0 ? -1 : ::dup(spec.networkFd));
  if (command.get() < 0 || childCommand.get() < 0 || reply.get() < 0 || childReply.get() < 0 ||
      ownLog.get() < 0 || childLog.get() < 0 || (spec.slotsFd >= 0 && slots.get() < 0) ||
      (spec.networkFd >= 0 && network.get() < 0)) {
    cannotStart(enginePath(), EMFILE);
  }

  // The process is started by a thread that outlives it: PR_SET_PDEATHSIG is about the starting thread, and
  // ours may be a worker that comes and goes.
  const std::string program = enginePath();
  keeper_ =
      std::thread([this, arguments = spec.arguments, program, s = slots.get(), n = network.get(),
                   c = childCommand.get(), r = childReply.get(), l = childLog.get(), own = ownLog.release()] {
        std::vector<std::string> all{program};
        all.insert(all.end(), arguments.begin(), arguments.end());
        keep(std::move(all), s, n, c, r, l);
        bool running = false;
        {
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
    cannotStart(program, startError_);
  }
  commandFd_ = command.release();
  replyFd_ = reply.release();
}

void Child::keep(std::vector<std::string> arguments, int slotsFd, int networkFd, int command, int reply,
                 int log) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, log, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, log, STDERR_FILENO);
  if (slotsFd >= 0) ::posix_spawn_file_actions_adddup2(&actions, slotsFd, kSlotsFd);
  ::posix_spawn_file_actions_adddup2(&actions, command, kCommandFd);
  ::posix_spawn_file_actions_adddup2(&actions, reply, kReplyFd);
  if (networkFd >= 0) ::posix_spawn_file_actions_adddup2(&actions, networkFd, kNetworkFd);
  sigset_t none;
  sigset_t defaults;
  ::sigemptyset(&none);
  ::sigemptyset(&defaults);
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGSEGV, SIGABRT}) ::sigaddset(&defaults, signal);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, argv[0], &actions, &attributes, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
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
  // Waited for without being reaped first, so that the destructor never signals a pid that has become another's.
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

void Child::send(const std::string& line) {
  const std::string whole = line + "\n";
  size_t sent = 0;
  while (sent < whole.size()) {
    const ssize_t got = ::send(commandFd_, whole.data() + sent, whole.size() - sent, MSG_NOSIGNAL);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return;  // it has ended: receive() says how
    sent += static_cast<size_t>(got);
  }
}

std::string Child::receive(const std::string& doing) {
  while (true) {
    if (const size_t end = replies_.find('\n'); end != std::string::npos) {
      std::string line = replies_.substr(0, end);
      replies_.erase(0, end + 1);
      return line;
    }
    char buffer[4096];
    const ssize_t got = ::read(replyFd_, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw OtfError(Code::kEngineFailed, obituary(doing));
    replies_.append(buffer, static_cast<size_t>(got));
  }
}

std::string Child::obituary(const std::string& doing) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, kGrace, [&] { return ended_; })) {
    ::kill(pid_, SIGKILL);
    changed_.wait(lock, [&] { return ended_; });
  }
  return "the engine process " + describeExit(status_) + " while " + doing + lastWords(log_);
}

}  // namespace otf::process
