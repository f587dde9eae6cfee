#include "engine/process/session.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>

#include "error/error.h"
#include "model/network_memory.h"
#include "process/wire.h"

namespace otf::process {
namespace {

std::string decimal(float value) {
  std::array<char, 32> digits;
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
}

}  // namespace

Child::Spec engineSpec() {
  Child::Spec spec;
  spec.program.path = programPath("OTF_ENGINE_PROGRAM", "otf-engine");
  return spec;
}

Session::Session(const std::string& name, const Network& network, const EngineOptions& options, Extent extent,
                 int batch)
    : extent_(extent),
      batch_(batch),
      valuesIn_(Shape{extent, network.trained.c}.values()),
      valuesOut_(inferShapes(network, extent).back().shape.values()),
      layout_(process::slotLayout(batch, valuesIn_, valuesOut_)),
      slots_(SharedSlots::create(layout_.bytes, 1)) {
  const NetworkMemory memory(network);
  Child::Spec spec = engineSpec();
  spec.descriptors = {{slots_.fd(), kSharedFd}, {memory.fd(), kNetworkFd}};
  spec.program.arguments = {"--network",      "/proc/self/fd/" + std::to_string(kNetworkFd),
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
  if (options.rawOutput) spec.program.arguments.emplace_back("--raw-output");
  child_.emplace(spec);
  ready_ = expect(child_->receive("loading the network"), "ready");
}

Session::Done Session::forward(int count, const std::string& how) {
  child_->send("forward 0 " + std::to_string(count) + how);
  std::istringstream rest(expect(child_->receive("running a batch of " + std::to_string(count)), "done"));
  int slot = -1;
  Done done;
  if (!(rest >> slot >> done.seconds >> done.memoryBytes))
    throw OtfError(Code::kInternal, "the engine process's answer is cut");
  return done;
}

std::string Session::bench(int count, int repeats) {
  child_->send("bench 0 " + std::to_string(count) + " " + std::to_string(repeats));
  return expect(child_->receive("measuring"), "benched");
}

}  // namespace otf::process
