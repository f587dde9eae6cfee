#include "engine/process/remote_engine.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <sstream>

#include "engine/moments.h"
#include "engine/process/session.h"
#include "engine/threads/worker_thread.h"
#include "error/error.h"
#include "process/child.h"
#include "process/flat_json.h"
#include "process/wire.h"
#include "tensor/buffer.h"
#include "timing/median.h"
#include "timing/stopwatch.h"

namespace otf {
namespace {

using process::Child;
using process::Session;

struct Asked {
  EngineDescription description;
  std::string origin;  // where the library is: for the machine's owner, not for results
};

/// What an otf-engine says about `name`; a failure to ask is the reason for not being available.
Asked ask(std::string_view name) {
  Asked asked;
  EngineDescription& description = asked.description;
  description.name = name;
  try {
    Child::Spec spec = process::engineSpec();
    spec.program.arguments = {"--describe", std::string(name)};
    Child child(spec);
    const std::string said = process::expect(child.receive("describing itself"), "described");
    description.available = process::jsonNumber(said, "available") != 0;
    description.reason = process::jsonText(said, "reason");
    description.version = process::jsonText(said, "version");
    description.device = process::jsonText(said, "device");
    asked.origin = process::jsonText(said, "origin");
    std::istringstream types(process::jsonText(said, "types"));
    for (std::string type; types >> type;) {
      if (const auto parsed = parseComputeType(type)) description.computeTypes.push_back(*parsed);
    }
  } catch (const OtfError& error) {
    description.available = false;
    description.reason = error.what();
  }
  return asked;
}

class RemoteEngine final : public Engine {
 public:
  RemoteEngine(std::string_view name, std::shared_ptr<const Network> network, const EngineOptions& options)
      : name_(name), network_(std::move(network)), options_(options) {
    const EngineDescription description = ask(name).description;
    if (!description.available)
      throw OtfError(Code::kEngineUnavailable,
                     "engine " + name_ + " is not available: " + description.reason);
    info_.engine = name_.substr(0, name_.find(':'));
    info_.version = description.version;
    info_.device = description.device;
    info_.asked = options.computeType;
    info_.effective = effectiveType(description.computeTypes, options.computeType);
    info_.threads = threadsFor(options.threads);
  }

  const Network& network() const override { return *network_; }
  const EngineInfo& info() const override { return info_; }
  int64_t memoryBytes() const override { return memoryBytes_; }

  void forward(Extent extent, int batch, const float* input, float* output) override {
    const std::lock_guard lock(mutex_);
    guarded([&] { runOne(session(extent, batch), batch, input, output); });
  }

  void forwardMonteCarlo(Extent extent, int batch, int repeats, uint64_t seed, const float* input,
                         float* mean, float* deviation) override {
    requireRepeats(repeats);
    const std::lock_guard lock(mutex_);
    guarded([&] {
      Session& running = session(extent, batch);
      std::memcpy(running.input(), input, running.inputBytes(batch));
      memoryBytes_ =
          running.forward(batch, " mc " + std::to_string(repeats) + " " + std::to_string(seed)).memoryBytes;
      std::memcpy(mean, running.output(), running.outputBytes(batch));
      std::memcpy(deviation, running.deviation(), running.outputBytes(batch));
    });
  }

  std::vector<LayerTiming> profile(Extent extent, int batch, const float* input, float* output) override {
    const std::lock_guard lock(mutex_);
    double seconds = 0;
    guarded([&] { seconds = runOne(session(extent, batch), batch, input, output); });
    return {{"whole network", info_.engine, seconds, networkFlops(*network_, extent) * batch}};
  }

  RemoteBench bench(Extent extent, int batch, int repeats);

 private:
  /// Seconds the process says it took.
  double runOne(Session& running, int batch, const float* input, float* output) {
    std::memcpy(running.input(), input, running.inputBytes(batch));
    const Session::Done done = running.forward(batch, "");
    std::memcpy(output, running.output(), running.outputBytes(batch));
    memoryBytes_ = done.memoryBytes;
    return done.seconds;
  }

  Session& session(Extent extent, int batch) {
    if (batch < 1)
      throw OtfError(Code::kInvalidArgument, "batch size " + std::to_string(batch) + " is not positive");
    inferShapes(*network_, extent);  // a wrong size is the caller's error, and no reason to start anything
    if (!death_.empty()) throw OtfError(Code::kEngineFailed, "the engine has ended before: " + death_);
    if (!session_ || !session_->serves(extent, batch)) {
      session_.reset();  // first: two networks may not fit the device
      session_ = std::make_unique<Session>(name_, *network_, options_, extent, batch);
      memoryBytes_ = static_cast<int64_t>(process::jsonNumber(session_->ready(), "memoryBytes"));
    }
    return *session_;
  }

  /// An engine that failed in the middle is not asked again: its process is gone, or in an unknown state.
  template <typename Work>
  void guarded(const Work& work) {
    try {
      work();
    } catch (const OtfError& error) {
      if (error.code() == Code::kEngineFailed && death_.empty()) {
        death_ = error.what();
        session_.reset();
      }
      throw;
    }
  }

  std::string name_;
  std::shared_ptr<const Network> network_;
  EngineOptions options_;
  EngineInfo info_;
  std::mutex mutex_;
  std::unique_ptr<Session> session_;
  std::string death_;
  std::atomic<int64_t> memoryBytes_{0};
};

RemoteBench RemoteEngine::bench(Extent extent, int batch, int repeats) {
  const std::lock_guard lock(mutex_);
  RemoteBench figures;
  figures.info = info_;
  guarded([&] {
    Session& running = session(extent, batch);
    const Buffer input(running.inputBytes(batch));
    const Buffer output(running.outputBytes(batch));
    for (size_t i = 0; i < input.bytes() / sizeof(float); ++i)
      input.floats()[i] = static_cast<float>(i * 7919 % 1000) / 1000.0F;
    runOne(running, batch, input.floats(), output.floats());  // pages touched, threads started
    const std::string measured = running.bench(batch, repeats);
    figures.ownSeconds = process::jsonNumber(measured, "ownSeconds");
    figures.bridgeSeconds = process::jsonNumber(measured, "bridgeSeconds");
    figures.overheadSeconds = process::jsonNumber(measured, "overheadSeconds");
    std::vector<double> remote;
    std::vector<double> copies;
    for (int i = 0; i < repeats; ++i) {
      Stopwatch watch;
      runOne(running, batch, input.floats(), output.floats());
      remote.push_back(watch.lap());
      std::memcpy(running.input(), input.data(), input.bytes());
      std::memcpy(output.data(), running.output(), output.bytes());
      copies.push_back(watch.lap());
    }
    figures.remoteSeconds = median(std::move(remote));
    figures.copySeconds = median(std::move(copies));
  });
  return figures;
}

}  // namespace

std::unique_ptr<Engine> createRemoteEngine(std::string_view name, std::shared_ptr<const Network> network,
                                           const EngineOptions& options) {
  return std::make_unique<RemoteEngine>(name, std::move(network), options);
}

EngineDescription describeRemoteEngine(std::string_view name) {
  Asked asked = ask(name);
  if (!asked.origin.empty()) asked.description.version += ", from " + asked.origin;
  return asked.description;
}

RemoteBench benchRemoteEngine(std::string_view name, std::shared_ptr<const Network> network,
                              const EngineOptions& options, Extent extent, int batch, int repeats) {
  if (repeats < 1) throw OtfError(Code::kInvalidArgument, "a benchmark needs at least one repeat");
  return RemoteEngine(name, std::move(network), options).bench(extent, batch, repeats);
}

}  // namespace otf
