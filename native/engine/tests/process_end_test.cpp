// The ways an engine process ends.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "engine/process/remote_engine.h"
#include "engine/tests/supervised.h"

using namespace otf;
using namespace otf::test;

TEST_CASE("a process that dies becomes an error with its exit and last words, and a new engine works") {
  const auto network = demo();
#ifdef __SANITIZE_ADDRESS__
  const char* segmentation = "exited with code 1";  // the sanitizer takes the signal, and reports
#else
  const char* segmentation = "was ended by SIGSEGV";
#endif
  struct Way {
    float order;
    const char *how, *words;
  };
  for (const Way& way : {Way{1e30F, "exited with code 3", "ERROR: the crash engine exits as it was told"},
                         Way{2e30F, "was ended by SIGABRT", "ERROR: the crash engine aborts as it was told"},
                         Way{4e30F, segmentation, "while running a batch of 2"},
                         Way{5e30F, "exited with code 1", "ERROR: the crash engine fails as it was told"}}) {
    CAPTURE(way.how);
    const auto engine = createRemoteEngine("crash", network, twoThreads());
    auto x = tiles(2);
    std::vector<float> y(static_cast<size_t>(2 * engine->outputValues(kTile)));
    engine->forward(kTile, 2, x.data(), y.data());
    x[1024] = way.order;  // the second item's first value
    const std::string message =
        messageOf([&] { engine->forward(kTile, 2, x.data(), y.data()); }, Code::kEngineFailed);
    CHECK(message.find(way.how) != std::string::npos);
    CHECK(message.find(way.words) != std::string::npos);
    CHECK(message.find('\n') == std::string::npos);
    x[1024] = 0;
    CHECK(messageOf([&] { engine->forward(kTile, 2, x.data(), y.data()); }, Code::kEngineFailed)
              .find("ended before") != std::string::npos);
    CHECK_NOTHROW(createRemoteEngine("crash", network, twoThreads())->forward(kTile, 2, x.data(), y.data()));
  }
}

TEST_CASE("a hung process is ended with its parent's object") {
  Supervised s("crash");
  REQUIRE(s.child.receive("starting").starts_with("ready"));
  s.at(0, 0)[0] = 3e30F;
  const auto start = std::chrono::steady_clock::now();
  {
    Child::Spec spec = process::engineSpec();
    spec.descriptors = {{s.slots.fd(), process::kSharedFd}};
    spec.program.arguments = s.arguments("crash");
    Child hung(spec);
    REQUIRE(hung.receive("starting").starts_with("ready"));
    hung.send("forward 0 1");
  }
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(15));
}

TEST_CASE("an engine process dies with its parent, even in the middle of a forward pass that never ends") {
  int answer[2];
  REQUIRE(::pipe(answer) == 0);
  // A middle process that starts an engine, has it hang, and is killed. What it started must go too: we adopt it.
  REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  const pid_t middle = ::fork();
  if (middle == 0) {
    Supervised s("crash");
    s.child.receive("starting");
    s.at(0, 0)[0] = 3e30F;
    s.child.send("forward 0 1");
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    (void)!::write(answer[1], "x", 1);
    while (true) ::pause();
  }
  char go;
  REQUIRE(::read(answer[0], &go, 1) == 1);
  ::kill(middle, SIGKILL);
  int status = 0;
  REQUIRE(::waitpid(middle, &status, 0) == middle);
  // The orphan is ours now; it has to end by itself within a moment.
  pid_t orphan = 0;
  for (int i = 0; i < 100 && orphan <= 0; ++i) {
    orphan = ::waitpid(-1, &status, WNOHANG);
    if (orphan <= 0) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  CHECK(orphan > 0);
  CHECK(WIFSIGNALED(status));
  ::close(answer[0]);
  ::close(answer[1]);
}
