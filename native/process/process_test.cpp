// What a process leaves behind when it goes wrong.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "error/error.h"
#include "process/crash_mark.h"

namespace otf::process {
namespace {

std::string contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// What is in the file after a child that marks its crashes has ended by `work`, and waitpid's status.
template <typename Work>
std::pair<std::string, int> afterChild(const Work& work) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("otf-mark-" + std::to_string(::getpid()))).string();
  std::filesystem::remove(path);
  const pid_t child = ::fork();
  if (child == 0) {
    // doctest has handlers of its own, and core files are of no use.
    for (const int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGTERM, SIGINT}) ::signal(signal, SIG_DFL);
    markCrashes(path);
    work();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  std::string text = contents(path);
  std::filesystem::remove(path);
  return {text, status};
}

/// Deeper than any stack, though a compiler cannot know; not to be made a loop of.
size_t deeper(size_t depth, const volatile std::byte* above) {
  if (depth > size_t{1} << 40) return 0;
  std::array<volatile std::byte, 4096> here = {};
  here[depth % here.size()] = above[0];
  return depth + deeper(depth + 1, here.data()) + static_cast<size_t>(here[0]);
}

TEST_CASE("a process that goes wrong leaves the signal, and ends by it as before") {
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGTRAP}) {
    const auto [text, status] = afterChild([&] { ::raise(signal); });
    const std::string number = (signal < 10 ? "0" : "") + std::to_string(signal);
    CHECK(text == "signal " + number + "\n");
    CHECK(status != 0);
  }
  CHECK(afterChild([] { std::abort(); }).first == "signal 06\n");
}

TEST_CASE("a stack that has run over is told, too") {
  const auto [text, status] = afterChild([] {
    ensureSignalStack();
    const volatile std::byte first{};
    if (deeper(0, &first) == 1) ::_exit(1);
  });
  CHECK(text == "signal 11\n");
  CHECK(status != 0);
}

TEST_CASE("whoever is killed, or ends in order, leaves nothing") {
  CHECK(afterChild([] { ::raise(SIGKILL); }).first.empty());
  CHECK(afterChild([] { ::raise(SIGTERM); }).first.empty());
  CHECK(afterChild([] {}).first.empty());
  CHECK_THROWS_AS(markCrashes("/nowhere/at/all"), OtfError);
}

}  // namespace
}  // namespace otf::process
