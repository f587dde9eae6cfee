#include "engine/host/crash_engine.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "engine/registry/registry.h"
#include "error/error.h"

namespace otf::host {
namespace {

class CrashEngine final : public Engine {
 public:
  CrashEngine(std::shared_ptr<const Network> network, const EngineOptions& options)
      : inner_(createEngine("onednn", std::move(network), options)), info_(inner_->info()) {
    info_.engine = "crash";
  }
  const Network& network() const override { return inner_->network(); }
  const EngineInfo& info() const override { return info_; }
  int passesAtOnce() const override { return inner_->passesAtOnce(); }
  int64_t memoryBytes() const override { return inner_->memoryBytes(); }

  void forward(Extent extent, int batch, const float* input, float* output) override {
    obey(extent, batch, input);
    inner_->forward(extent, batch, input, output);
  }
  void forwardMonteCarlo(Extent extent, int batch, int repeats, uint64_t seed, const float* input,
                         float* mean, float* deviation) override {
    obey(extent, batch, input);
    inner_->forwardMonteCarlo(extent, batch, repeats, seed, input, mean, deviation);
  }
  std::vector<LayerTiming> profile(Extent extent, int batch, const float* input, float* output) override {
    return inner_->profile(extent, batch, input, output);
  }

 private:
  void obey(Extent extent, int batch, const float* input) const {
    const int64_t values = Shape{extent, network().trained.c}.values();
    for (int n = 0; n < batch; ++n) {
      const float order = input[n * values];
      if (order == 1e30F) {
        std::printf("ERROR: the crash engine exits as it was told\n");
        std::exit(3);
      }
      if (order == 2e30F) {
        std::printf("ERROR: the crash engine aborts as it was told\n");
        std::abort();
      }
      if (order == 3e30F) {
        std::printf("the crash engine hangs as it was told\n");
        while (true) ::pause();
      }
      if (order == 4e30F) std::raise(SIGSEGV);
      if (order == 5e30F) throw OtfError(Code::kEngineFailed, "the crash engine fails as it was told");
    }
  }

  std::unique_ptr<Engine> inner_;
  EngineInfo info_;
};

}  // namespace

std::unique_ptr<Engine> createCrashEngine(std::shared_ptr<const Network> network,
                                          const EngineOptions& options) {
  return std::make_unique<CrashEngine>(std::move(network), options);
}

}  // namespace otf::host
