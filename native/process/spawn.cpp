#include "process/spawn.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <string_view>

extern char** environ;

namespace otf::process {
namespace {

/// Above every descriptor a program is given.
constexpr int kLowestFd = 10;

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
    ::posix_spawnattr_setflags(&attributes_,
                               POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }
  posix_spawnattr_t* get() { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

/// What execve takes: pointers into `words`, and a last one that is null.
std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> all;
  for (std::string& word : words) all.push_back(word.data());
  all.push_back(nullptr);
  return all;
}

std::vector<std::string> environmentOf(const Program& program) {
  std::vector<std::string> variables = program.environment;
  const auto replaced = [&program](std::string_view variable) {
    const std::string_view name = variable.substr(0, variable.find('=') + 1);
    return std::any_of(program.environment.begin(), program.environment.end(),
                       [name](const std::string& given) { return given.starts_with(name); });
  };
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    if (!replaced(*variable)) variables.emplace_back(*variable);
  }
  return variables;
}

}  // namespace

Fd::Fd(int fd) : fd_(fd < 0 ? -1 : ::fcntl(fd, F_DUPFD_CLOEXEC, kLowestFd)) {
  if (fd >= 0) ::close(fd);
}

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Started spawn(const Program& program, const std::vector<Inherited>& descriptors, int log) {
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
  std::vector<std::string> words{program.path};
  words.insert(words.end(), program.arguments.begin(), program.arguments.end());
  std::vector<std::string> variables = environmentOf(program);
  Started started;
  started.error = ::posix_spawn(&started.pid, program.path.c_str(), actions.get(), attributes.get(),
                                pointers(words).data(), pointers(variables).data());
  return started;
}

std::string programPath(const char* variable, const char* name) {
  if (const char* named = std::getenv(variable); named != nullptr && *named != '\0') return named;
  Dl_info info;
  std::string file;
  if (::dladdr(reinterpret_cast<const void*>(&programPath), &info) != 0 && info.dli_fname != nullptr)
    file = info.dli_fname;
  const size_t slash = file.rfind('/');
  return slash == std::string::npos ? name : file.substr(0, slash + 1) + name;
}

}  // namespace otf::process
