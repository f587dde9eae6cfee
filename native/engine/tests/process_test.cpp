// The engine process: its protocol, its ways of dying, and the Engine that talks to it.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <thread>

#include "engine/process/protocol.h"
#include "engine/process/remote_engine.h"
#include "engine/process/session.h"
#include "engine/tests/cases.h"
#include "engine/tests/check.h"
#include "error/error.h"
#include "model/architectures.h"
#include "process/child.h"
#include "process/flat_json.h"
#include "process/last_words.h"
#include "process/wire.h"
#include "tensor/slots.h"

using namespace otf;
using process::Child;

namespace {

const bool kEnvironment = [] {
  ::setenv("OTF_ENGINE_PROGRAM", OTF_TEST_ENGINE, 1);
  ::setenv("OTF_DEBUG_ENGINES", "1", 1);
  return true;
}();

constexpr Extent kTile{32, 32, 1};

std::shared_ptr<const Network> demo() { return std::make_shared<Network>(buildArchitecture("demo", 3)); }

std::vector<float> tiles(int batch) {
  std::vector<float> x(static_cast<size_t>(kTile.w * kTile.h * batch));
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 7919 % 1000) / 1000.0F;
  return x;
}

EngineOptions twoThreads() {
  EngineOptions options;
  options.threads = 2;
  return options;
}

/// What a supervisor does by hand: a process on the demo network with two slots of batch 2.
struct Supervised {
  explicit Supervised(const std::string& engine)
      : network(demo()),
        layout(process::slotLayout(2, kTile.w * kTile.h, inferShapes(*network, kTile).back().shape.values())),
        slots(SharedSlots::create(layout.bytes, 2)),
        child([&] {
          Child::Spec spec = process::engineSpec();
          spec.descriptors = {{slots.fd(), process::kSharedFd}};
          spec.arguments = arguments(engine);
          return spec;
        }()) {}
  std::vector<std::string> arguments(const std::string& engine) const {
    return {"--network",      OTF_MODELS "/demo-continuum/weights.dat",
            "--engine",       engine,
            "--quantization", "FP32",
            "--threads",      "2",
            "--input-bias",   "0.1",
            "--width",        "32",
            "--height",       "32",
            "--batch",        "2",
            "--slots",        "2",
            "--slot-bytes",   std::to_string(slots.slotBytes())};
  }
  float* at(size_t slot, size_t offset) { return reinterpret_cast<float*>(slots.slot(slot) + offset); }
  std::string ask(const std::string& line) {
    child.send(line);
    return child.receive("being tested");
  }
  std::shared_ptr<const Network> network;
  process::SlotLayout layout;
  SharedSlots slots;
  Child child;
};

std::string messageOf(const std::function<void()>& work, Code code) {
  try {
    work();
  } catch (const OtfError& error) {
    CHECK(codeName(error.code()) == codeName(code));
    return error.what();
  }
  FAIL("no error was thrown");
  return "";
}

}  // namespace

TEST_CASE("a slot holds input, output and deviation, each on a page") {
  const process::SlotLayout layout = process::slotLayout(3, 1000, 5000);
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  CHECK(layout.outputOffset % page == 0);
  CHECK(layout.outputOffset >= 12000);
  CHECK(layout.deviationOffset - layout.outputOffset >= 60000);
  CHECK(layout.bytes - layout.deviationOffset >= 60000);
  CHECK_THROWS_AS(process::slotLayout(0, 1, 1), OtfError);
  CHECK_THROWS_AS(process::slotLayout(1 << 20, int64_t{1} << 40, 1), OtfError);
}

TEST_CASE("flat JSON comes back as it was written") {
  const std::string object =
      process::FlatJson().text("a", "x \"y\" \\ z").number("b", 0.25).number("c", int64_t{1} << 40).str();
  CHECK(object == R"({"a":"x \"y\" \\ z","b":0.25,"c":1099511627776})");
  CHECK(process::jsonText(object, "a") == "x \"y\" \\ z");
  CHECK(process::jsonNumber(object, "b") == 0.25);
  CHECK(process::jsonNumber(object, "c") == 1099511627776.0);
  CHECK_THROWS_AS(process::jsonText(object, "d"), OtfError);
}

TEST_CASE("last words are the error, or else the last line, without terminal codes") {
  CHECK(process::lastWords("") == "");
  CHECK(process::lastWords("one\n\033[?25ltwo\n\n") == ": two");
  CHECK(process::lastWords("a\n\n ERROR: wrong thing!\n Do this instead.\n\n") ==
        ": ERROR: wrong thing! Do this instead.");
  CHECK(process::lastWords(std::string(1000, 'x')).size() < 320);
}

TEST_CASE("the protocol: ready, forward in any slot, part of a batch, Monte Carlo, ping, errors, quit") {
  Supervised s("onednn");
  const std::string ready = s.child.receive("starting");
  REQUIRE(ready.starts_with("ready {"));
  CHECK(process::jsonText(ready, "engine") == "onednn");
  CHECK(process::jsonText(ready, "effective") == "FP32C_FP32A");
  CHECK(process::jsonNumber(ready, "valuesIn") == 1024);
  CHECK(process::jsonNumber(ready, "outputOffset") == static_cast<double>(s.layout.outputOffset));
  CHECK(process::jsonNumber(ready, "deviationOffset") == static_cast<double>(s.layout.deviationOffset));
  CHECK(s.ask("ping") == "pong");

  const auto x = tiles(2);
  const auto network = std::make_shared<Network>(readNetwork(OTF_MODELS "/demo-continuum/weights.dat"));
  const auto here = createEngine("onednn", network, twoThreads());
  const auto out = static_cast<size_t>(here->outputValues(kTile));
  std::vector<float> y(2 * out);
  here->forward(kTile, 2, x.data(), y.data());
  std::memcpy(s.at(1, 0), x.data(), x.size() * sizeof(float));
  const std::string done = s.ask("forward 1 2");
  CHECK(done.starts_with("done 1 "));
  CHECK(std::memcmp(s.at(1, s.layout.outputOffset), y.data(), y.size() * sizeof(float)) == 0);
  // One item of two, in the other slot.
  here->forward(kTile, 1, x.data() + 1024, y.data());
  std::memcpy(s.at(0, 0), x.data() + 1024, 1024 * sizeof(float));
  CHECK(s.ask("forward 0 1").starts_with("done 0 "));
  CHECK(std::memcmp(s.at(0, s.layout.outputOffset), y.data(), out * sizeof(float)) == 0);

  std::vector<float> deviation(out);
  here->forwardMonteCarlo(kTile, 1, 5, 77, x.data() + 1024, y.data(), deviation.data());
  CHECK(s.ask("forward 0 1 mc 5 77").starts_with("done 0 "));
  CHECK(std::memcmp(s.at(0, s.layout.outputOffset), y.data(), out * sizeof(float)) == 0);
  CHECK(std::memcmp(s.at(0, s.layout.deviationOffset), deviation.data(), out * sizeof(float)) == 0);

  CHECK(s.ask("forward 2 1").starts_with("error OTF_INVALID_ARGUMENT "));
  CHECK(s.ask("forward 0 3").starts_with("error OTF_INVALID_ARGUMENT "));
  CHECK(s.ask("forward 0 1 mc 1 1").starts_with("error OTF_INVALID_ARGUMENT "));
  CHECK(s.ask("dance").starts_with("error OTF_INVALID_ARGUMENT "));
  CHECK(s.ask("bench 0 1 1").starts_with("error OTF_INVALID_ARGUMENT "));
  // Several commands under way are answered in order.
  s.child.send("forward 0 1\nforward 1 1\nping");
  CHECK(s.child.receive("a queue").starts_with("done 0 "));
  CHECK(s.child.receive("a queue").starts_with("done 1 "));
  CHECK(s.child.receive("a queue") == "pong");
  s.child.send("quit");
  CHECK(messageOf([&] { s.child.receive("leaving"); }, Code::kEngineFailed).find("exited with code 0") !=
        std::string::npos);
}

TEST_CASE("what cannot be started says why, with a code") {
  const auto start = [](const std::string& name, const std::string& value) {
    Supervised ok("reference");
    std::vector<std::string> arguments = ok.arguments("onednn");
    for (size_t i = 0; i + 1 < arguments.size(); ++i) {
      if (arguments[i] == name) arguments[i + 1] = value;
    }
    Child::Spec spec = process::engineSpec();
    spec.descriptors = {{ok.slots.fd(), process::kSharedFd}};
    spec.arguments = arguments;
    Child child(spec);
    return child.receive("starting");
  };
  CHECK(start("--network", "/nowhere.dat").starts_with("error OTF_MODEL_UNREADABLE "));
  CHECK(start("--network", OTF_MODELS "/demo-continuum/model.toml.")
            .starts_with("error OTF_MODEL_UNREADABLE "));
  CHECK(start("--engine", "tpu").starts_with("error OTF_ENGINE_UNAVAILABLE "));
  CHECK(start("--width", "2").starts_with("error OTF_SHAPE_MISMATCH "));
  CHECK(start("--width", "many").starts_with("error OTF_INVALID_ARGUMENT "));
  CHECK(start("--batch", "64").starts_with("error OTF_INVALID_ARGUMENT slots of"));
  CHECK(start("--slots", "9").starts_with("error OTF_INVALID_ARGUMENT descriptor 3"));
  CHECK(start("--quantization", "INT4").starts_with("error OTF_INVALID_ARGUMENT "));

  ::setenv("OTF_ENGINE_PROGRAM", "/nowhere/otf-engine", 1);
  CHECK(messageOf([] { Child child(process::engineSpec()); }, Code::kEngineUnavailable)
            .find("/nowhere/otf-engine") != std::string::npos);
  CHECK(describeRemoteEngine("cianna").reason.find("/nowhere/otf-engine") != std::string::npos);
  ::setenv("OTF_ENGINE_PROGRAM", OTF_TEST_ENGINE, 1);
}

TEST_CASE("the debug engine is there only when asked for") {
  ::unsetenv("OTF_DEBUG_ENGINES");
  CHECK_FALSE(describeRemoteEngine("crash").available);
  CHECK_THROWS_WITH_AS(createRemoteEngine("crash", demo(), {}), doctest::Contains("no engine 'crash'"),
                       OtfError);
  ::setenv("OTF_DEBUG_ENGINES", "1", 1);
  CHECK(describeRemoteEngine("crash").available);
  CHECK_THROWS_AS(createEngine("crash", demo(), {}), OtfError);
}

TEST_CASE("an engine in another process gives what one in this process gives") {
  const auto network = demo();
  const auto there = createRemoteEngine("onednn", network, twoThreads());
  const auto here = createEngine("onednn", network, twoThreads());
  CHECK(there->info().device == here->info().device);
  CHECK(there->info().threads == 2);
  const auto out = there->outputValues(kTile);
  for (const int batch : {1, 3, 2}) {
    const auto x = tiles(batch);
    std::vector<float> a(static_cast<size_t>(batch * out)), b(a.size());
    there->forward(kTile, batch, x.data(), a.data());
    here->forward(kTile, batch, x.data(), b.data());
    CHECK(a == b);
    std::vector<float> mean(a.size()), deviation(a.size()), mean2(a.size()), deviation2(a.size());
    there->forwardMonteCarlo(kTile, batch, 4, 9, x.data(), mean.data(), deviation.data());
    here->forwardMonteCarlo(kTile, batch, 4, 9, x.data(), mean2.data(), deviation2.data());
    CHECK(mean == mean2);
    CHECK(deviation == deviation2);
    const auto timings = there->profile(kTile, batch, x.data(), a.data());
    REQUIRE(timings.size() == 1);
    CHECK(timings[0].seconds > 0);
    CHECK(timings[0].flops > 0);
  }
  CHECK(there->memoryBytes() > network->parameterCount() * 4);
  std::vector<float> y(static_cast<size_t>(out));
  CHECK_THROWS_AS(there->forward({2, 2, 1}, 1, y.data(), y.data()), OtfError);
  CHECK_THROWS_AS(there->forward(kTile, 0, y.data(), y.data()), OtfError);
  CHECK_NOTHROW(there->forward(kTile, 1, tiles(1).data(), y.data()));
}

TEST_CASE("a process that dies becomes an error with its exit and last words, and a new engine works") {
  const auto network = demo();
#ifdef __SANITIZE_ADDRESS__
  const char* segmentation = "exited with code 1";  // the sanitizer takes the signal, and reports
#else
  const char* segmentation = "was ended by signal 11";
#endif
  struct Way {
    float order;
    const char *how, *words;
  };
  for (const Way& way : {Way{1e30F, "exited with code 3", "ERROR: the crash engine exits as it was told"},
                         Way{2e30F, "was ended by signal 6", "ERROR: the crash engine aborts as it was told"},
                         Way{4e30F, segmentation, "while running a batch of 2"}}) {
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
    spec.arguments = s.arguments("crash");
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
