// The engine process: its protocol, and the Engine that talks to it.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "engine/process/remote_engine.h"
#include "engine/registry/registry.h"
#include "engine/tests/supervised.h"
#include "process/flat_json.h"
#include "process/last_words.h"

using namespace otf;
using namespace otf::test;

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
    spec.program.arguments = arguments;
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
