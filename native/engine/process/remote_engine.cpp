#include "engine/process/remote_engine.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstring>
#include <mutex>
#include <numeric>
#include <optional>
#include <sstream>

#include "engine/onednn/worker_thread.h"
#include "engine/process/child.h"
#include "engine/process/flat_json.h"
#include "engine/process/protocol.h"
#include "error/error.h"
#include "tensor/buffer.h"
#include "tensor/slots.h"

namespace otf {
namespace {

using process::Child;
using process::SlotLayout;

double since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The network as a file only this process and its child can open.
class NetworkMemory {
 public:
  explicit NetworkMemory(const Network& network) : fd_(::memfd_create("cianna-otf-network", MFD_CLOEXEC)) {
    const std::vector<std::byte> bytes = writeNetwork(network);
    size_t written = 0;
    while (fd_ >= 0 && written < bytes.size()) {
      const ssize_t got = ::write(fd_, bytes.data() + written, bytes.size() - written);
      if (got <= 0) break;
      written += static_cast<size_t>(got);
    }
    if (fd_ < 0 || written < bytes.size()) {
      if (fd_ >= 0) ::close(fd_);
      throw OtfError(Code::kOutOfMemory, "no memory for a copy of the network");
    }
  }
  NetworkMemory(const NetworkMemory&) = delete;
  NetworkMemory& operator=(const NetworkMemory&) = delete;
  ~NetworkMemory() { ::close(fd_); }
  int fd() const { return fd_; }

 private:
  int fd_;
};

/// Text of `line` behind "word "; throws the error that an `error OTF_CODE message` line carries.
std::string expect(const std::string& line, const std::string& word) {
  if (line.starts_with(word + " ")) return line.substr(word.size() + 1);
  if (line == word) return "";
  if (line.starts_with("error ")) {
    const std::string rest = line.substr(6);
    const std::string name = rest.substr(0, rest.find(' '));
    for (const Code code : allCodes()) {
      if (codeName(code) == name) throw OtfError(code, rest.substr(std::min(rest.size(), name.size() + 1)));
    }
  }
  throw OtfError(Code::kInternal, "the engine process answered: " + line.substr(0, 200));
}

std::string decimal(float value) {
  std::array<char, 32> digits;
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
}

/// One running process with its slot.
class Session {
 public:
  Session(const std::string& name, const Network& network, const EngineOptions& options, Extent extent,
          int batch)
      : extent_(extent),
        batch_(batch),
        valuesIn_(Shape{extent, network.trained.c}.values()),
        valuesOut_(inferShapes(network, extent).back().shape.values()),
        layout_(process::slotLayout(batch, valuesIn_, valuesOut_)),
        slots_(SharedSlots::create(layout_.bytes, 1)) {
    const NetworkMemory memory(network);
    Child::Spec spec;
    spec.slotsFd = slots_.fd();
    spec.networkFd = memory.fd();
    spec.arguments = {"--network",      "/proc/self/fd/" + std::to_string(Child::kNetworkFd),
                      "--engine",       name,
                      "--quantization", std::string(computeTypeName(options.computeType)),
                      "--threads",      std::to_string(options.threads),
                      "--input-bias",   decimal(options.inputBias),
                      "--width",        std::to_string(extent.w),
                      "--height",       std::to_string(extent.h),
                      "--depth",        std::to_string(extent.d),
                      "--batch",        std::to_string(batch),
                      "--slots",        "1",
                      "--slot-bytes",   std::to_string(slots_.slotBytes())};
    if (options.rawOutput) spec.arguments.emplace_back("--raw-output");
    child_.emplace(spec);
    ready_ = expect(child_->receive("loading the network"), "ready");
  }

  bool serves(Extent extent, int batch) const { return extent == extent_ && batch <= batch_; }
  const std::string& ready() const { return ready_; }
  float* input() { return reinterpret_cast<float*>(slots_.slot(0)); }
  float* output() { return reinterpret_cast<float*>(slots_.slot(0) + layout_.outputOffset); }
  float* deviation() { return reinterpret_cast<float*>(slots_.slot(0) + layout_.deviationOffset); }
  size_t inputBytes(int count) const { return static_cast<size_t>(valuesIn_ * count) * sizeof(float); }
  size_t outputBytes(int count) const { return static_cast<size_t>(valuesOut_ * count) * sizeof(float); }

  struct Done {
    double seconds = 0;
    int64_t memoryBytes = 0;
  };
  Done forward(int count, const std::string& how) {
    child_->send("forward 0 " + std::to_string(count) + how);
    std::istringstream rest(expect(child_->receive("running a batch of " + std::to_string(count)), "done"));
    int slot = -1;
    Done done;
    if (!(rest >> slot >> done.seconds >> done.memoryBytes))
      throw OtfError(Code::kInternal, "the engine process's answer is cut");
    return done;
  }
  std::string bench(int count, int repeats) {
    child_->send("bench 0 " + std::to_string(count) + " " + std::to_string(repeats));
    return expect(child_->receive("measuring"), "benched");
  }

 private:
  Extent extent_;
  int batch_;
  int64_t valuesIn_, valuesOut_;
  SlotLayout layout_;
  SharedSlots slots_;
  std::optional<Child> child_;
  std::string ready_;
};

class RemoteEngine final : public Engine {
 public:
  RemoteEngine(std::string_view name, std::shared_ptr<const Network> network, const EngineOptions& options)
      : name_(name), network_(std::move(network)), options_(options) {
    const EngineDescription description = describeRemoteEngine(name);
    if (!description.available)
      throw OtfError(Code::kEngineUnavailable,
                     "engine " + name_ + " is not available: " + description.reason);
    const auto& types = description.computeTypes;
    info_.engine = name_.substr(0, name_.find(':'));
    info_.version = description.version;
    info_.device = description.device;
    info_.asked = options.computeType;
    info_.effective = std::find(types.begin(), types.end(), options.computeType) != types.end()
                          ? options.computeType
                          : ComputeType::kFp32cFp32a;
    info_.threads = options.threads > 0 ? options.threads : onednn::availableCpus();
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
    if (repeats < 2)
      throw OtfError(Code::kInvalidArgument,
                     "MC_MODEL needs at least 2 repeats, got " + std::to_string(repeats));
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
    const std::vector<double> flops = layerFlops(*network_, extent);
    return {
        {"whole network", info_.engine, seconds, std::accumulate(flops.begin(), flops.end(), 0.0) * batch}};
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
      session_.emplace(name_, *network_, options_, extent, batch);
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
  std::optional<Session> session_;
  std::string death_;
  std::atomic<int64_t> memoryBytes_{0};
};

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

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
      auto start = std::chrono::steady_clock::now();
      runOne(running, batch, input.floats(), output.floats());
      remote.push_back(since(start));
      start = std::chrono::steady_clock::now();
      std::memcpy(running.input(), input.data(), input.bytes());
      std::memcpy(output.data(), running.output(), output.bytes());
      copies.push_back(since(start));
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
  EngineDescription description;
  description.name = name;
  try {
    Child::Spec spec;
    spec.arguments = {"--describe", std::string(name)};
    Child child(spec);
    const std::string said = expect(child.receive("describing itself"), "described");
    description.available = process::jsonNumber(said, "available") != 0;
    description.reason = process::jsonText(said, "reason");
    description.version = process::jsonText(said, "version");
    description.device = process::jsonText(said, "device");
    std::istringstream types(process::jsonText(said, "types"));
    for (std::string type; types >> type;) {
      if (const auto parsed = parseComputeType(type)) description.computeTypes.push_back(*parsed);
    }
  } catch (const OtfError& error) {
    description.available = false;
    description.reason = error.what();
  }
  return description;
}

RemoteBench benchRemoteEngine(std::string_view name, std::shared_ptr<const Network> network,
                              const EngineOptions& options, Extent extent, int batch, int repeats) {
  if (repeats < 1) throw OtfError(Code::kInvalidArgument, "a benchmark needs at least one repeat");
  return RemoteEngine(name, std::move(network), options).bench(extent, batch, repeats);
}

}  // namespace otf
