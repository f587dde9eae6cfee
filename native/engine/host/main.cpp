// otf-engine: one network on one engine, in a process of its own (process/protocol.h).
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <optional>

#include "engine/cuda/cuda_engine.h"
#include "engine/cuda/library.h"
#include "engine/draws/drawing_engine.h"
#include "engine/host/arguments.h"
#include "engine/host/commands.h"
#include "engine/host/cpus.h"
#include "engine/host/crash_engine.h"
#include "engine/host/self_check.h"
#include "engine/registry/registry.h"
#include "error/error.h"
#include "process/flat_json.h"
#include "process/wire.h"

namespace {

using namespace otf;

bool ending = false;

/// A library that calls exit() must not run this program's own end, nor end it as if all were well.
void unexpectedExit(int status, void*) {
  if (ending) return;
  std::fflush(stdout);
  ::_exit(status == 0 ? 1 : status);
}

/// What is registered last runs first: again once libraries are loaded and have computed, or a call of exit() would take down
/// what they keep while their other threads still use it, and the process would die of that instead.
void watchExit() { ::on_exit(unexpectedExit, nullptr); }

/// Nothing is left to other hands at the end: libraries that free nothing need not try.
[[noreturn]] void end(int status) {
  ending = true;
  std::fflush(stdout);
  ::_exit(status);
}

bool isCianna(const std::string& name) { return name == "cianna" || name.starts_with("cianna:"); }

bool isCuda(const std::string& name) { return name == "cuda"; }

bool debugEngines() {
  const char* value = std::getenv("OTF_DEBUG_ENGINES");
  return value != nullptr && std::strcmp(value, "1") == 0;
}

/// Threads of OpenMP that wait do so actively for a long time unless told otherwise. The parent's threads then lack
/// the processors: they prepare the next tiles and finish the last ones meanwhile, and whoever was put aside for
/// them holds up the others, who spin (38 % of this process's time on two processors). CIANNA's BLAS has threads of
/// its own besides, so there waiting is passive; oneDNN's layers of a small network are so short that spinning for
/// some microseconds still pays. OpenMP reads its environment when it is loaded, so the program begins anew.
void letThreadsSleep(const std::string& engine, char** values) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  if (isCianna(engine))
    ::setenv("OMP_WAIT_POLICY", "passive", 1);
  else
    ::setenv("GOMP_SPINCOUNT", "2000", 1);
  ::execv("/proc/self/exe", values);
  // It runs as it is, only slower.
}

/// kNetworkFd is ours only if the network was handed over by it.
void keepOwnDescriptors(int count, char** values) {
  const std::string handedOver = "/proc/self/fd/" + std::to_string(process::kNetworkFd);
  const bool network = std::find(values, values + count, handedOver) != values + count;
  process::keepDescriptors({process::kSharedFd, process::kCommandFd, process::kReplyFd,
                            network ? process::kNetworkFd : process::kReplyFd});
}

EngineDescription describe(const std::string& name, std::string& origin) {
  if (isCianna(name)) return host::describeCianna(name, origin);
  if (isCuda(name)) return host::describeCuda();
  // The crash engine is described as the one it wraps.
  const std::string inner = name == "crash" && debugEngines() ? "onednn" : name;
  for (const EngineDescription& known : describeLocalEngines()) {
    if (known.name == inner) return known;
  }
  EngineDescription unknown;
  unknown.name = name;
  unknown.reason = "otf-engine has no engine '" + name + "'";
  return unknown;
}

void sayDescription(const std::string& name) {
  std::string origin;
  const EngineDescription d = describe(name, origin);
  std::string types;
  for (const ComputeType type : d.computeTypes)
    types += (types.empty() ? "" : " ") + std::string(computeTypeName(type));
  process::reply("described " + process::FlatJson()
                                    .number("available", int64_t{d.available})
                                    .text("reason", d.reason)
                                    .text("version", d.version)
                                    .text("device", d.device)
                                    .text("types", types)
                                    .text("origin", origin)
                                    .str());
}

std::string ready(const Engine& engine, int64_t valuesIn, int64_t valuesOut,
                  const process::SlotLayout& layout) {
  const EngineInfo& info = engine.info();
  return "ready " + process::FlatJson()
                        .text("engine", info.engine)
                        .text("version", info.version)
                        .text("device", info.device)
                        .text("asked", computeTypeName(info.asked))
                        .text("effective", computeTypeName(info.effective))
                        .number("threads", int64_t{info.threads})
                        .number("memoryBytes", engine.memoryBytes())
                        .number("valuesIn", valuesIn)
                        .number("valuesOut", valuesOut)
                        .number("outputOffset", static_cast<int64_t>(layout.outputOffset))
                        .number("deviationOffset", static_cast<int64_t>(layout.deviationOffset))
                        .str();
}

/// `cianna`: it, where it is the engine.
std::unique_ptr<Engine> open(const host::Arguments& a, const std::shared_ptr<const Network>& network,
                             const EngineOptions& options, host::CiannaEngine*& cianna) {
  if (isCianna(a.engine)) {
    auto opened = host::openCianna(a.engine, network, options, a.extent, a.batch);
    cianna = opened.get();
    return opened;
  }
  if (isCuda(a.engine)) {
    const OtfCudaApi& api = host::cudaLibrary();
    const host::MakeEngine make = [&api](const auto& asked, const auto& wanted) {
      return host::openCuda(api, asked, wanted);
    };
    host::checkNumbers(make, options.computeType);
    return make(network, options);
  }
  if (a.engine == "crash" && debugEngines()) return host::createCrashEngine(network, options);
  return createEngine(a.engine, network, options);
}

void run(const host::Arguments& a) {
  if (!a.describe.empty()) {
    sayDescription(a.describe);
    return;
  }
  SharedSlots slots =
      SharedSlots::attach(process::kSharedFd, static_cast<size_t>(a.slotBytes), static_cast<size_t>(a.slots));
  const auto network = std::make_shared<Network>(readNetwork(a.network, a.networkSha256));
  const int64_t valuesIn = Shape{a.extent, network->trained.c}.values();
  const int64_t parts = a.draws.repeats > 0 ? kDrawnParts : 1;
  const int64_t valuesOut = parts * inferShapes(*network, a.extent).back().shape.values();
  const process::SlotLayout layout = process::slotLayout(a.batch, valuesIn, valuesOut);
  if (layout.bytes > slots.slotBytes()) {
    throw OtfError(Code::kInvalidArgument, "slots of " + std::to_string(slots.slotBytes()) +
                                               " bytes are too small: " + std::to_string(layout.bytes) +
                                               " are needed");
  }
  host::CiannaEngine* cianna = nullptr;
  const MakeEngine make = [&](const EngineOptions& options) { return open(a, network, options, cianna); };
  EngineOptions options = a.options;
  if (options.computeType == ComputeType::kInt8cInt32a && !a.calibration.empty())
    options.calibration =
        std::make_shared<const Calibration>(readCalibration(a.calibration, *network, a.calibrationSha256));
  const std::unique_ptr<Engine> engine =
      a.draws.repeats > 0 ? createDrawingEngine(a.draws, options, make) : make(options);
  process::reply(ready(*engine, valuesIn, valuesOut, layout));
  watchExit();
  host::serve({*engine, cianna, a.extent, a.batch, layout, slots, watchExit});
}

}  // namespace

int main(int count, char** values) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  keepOwnDescriptors(count, values);
  // Begun anew from /proc/self/exe, it would be "exe" in lists of processes.
  ::prctl(PR_SET_NAME, "otf-engine");
  // Ctrl-C reaches a whole terminal; when an engine ends is its parent's decision.
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  // A crash must not take the last lines with it.
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  watchExit();
  try {
    const host::Arguments arguments = host::readArguments(count, values);
    // OpenMP counts its CPUs when it is loaded: before the program begins anew.
    if (!arguments.cpus.empty()) host::keepToCpus(arguments.cpus);
    letThreadsSleep(arguments.engine, values);
    run(arguments);
  } catch (const OtfError& error) {
    process::replyError(error.code(), error.what());
    end(1);
  } catch (const std::bad_alloc&) {
    process::replyError(Code::kOutOfMemory,
                        "not enough memory for this network; use a smaller batch or tile");
    end(1);
  } catch (const std::exception& error) {
    process::replyError(Code::kEngineFailed, error.what());
    end(1);
  }
  end(0);
}
