// The user's CIANNA as an Engine, inside otf-engine only. One network, one tile size, one batch size per process.
#pragma once

#include <memory>
#include <string>

#include "engine/cianna/bridge.h"
#include "engine/engine.h"

namespace otf::host {

/// What libotf_cianna.so has here. `name`: cianna, cianna:cuda, cianna:blas, cianna:naiv. `origin`: the
/// checkout it was built against and the methods compiled in.
EngineDescription describeCianna(const std::string& name, std::string& origin);

/// One thread: the one that opened it. Monte Carlo masks come from CIANNA's own generator: the same seed and
/// the same batch give the same answer, but an item's masks depend on its place in the batch, unlike onednn's.
class CiannaEngine final : public Engine {
 public:
  CiannaEngine(const OtfCiannaApi& api, std::shared_ptr<const Network> network, EngineInfo info,
               Extent extent, int batch, const OtfCiannaOpened& opened);
  ~CiannaEngine() override;
  const Network& network() const override { return *network_; }
  const EngineInfo& info() const override { return info_; }
  int64_t memoryBytes() const override { return opened_.memoryBytes; }
  /// Only the tile size it was opened for, at most that many items.
  void forward(Extent extent, int batch, const float* input, float* output) override;
  void forwardMonteCarlo(Extent extent, int batch, int repeats, uint64_t seed, const float* input,
                         float* mean, float* deviation) override;
  std::vector<LayerTiming> profile(Extent extent, int batch, const float* input, float* output) override;
  /// Seconds of CIANNA's own loop on the items of the last forward().
  double ownForward(int count) { return api_.ownForward(count); }
  /// Seconds of that loop inside the last forward(): the rest of it was the bridge's.
  double lastForward() { return api_.lastForward(); }

 private:
  void check(Extent extent, int batch) const;
  const OtfCiannaApi& api_;
  std::shared_ptr<const Network> network_;
  EngineInfo info_;
  Extent extent_;
  int batch_;
  OtfCiannaOpened opened_;
};

/// Loads the library and the network. Throws kEngineUnavailable with the reason, kModelUnsupported for a network that
/// would make CIANNA touch memory it does not have, kOutOfMemory, kEngineFailed. CIANNA itself may end the process.
std::unique_ptr<CiannaEngine> openCianna(const std::string& name, std::shared_ptr<const Network> network,
                                         const EngineOptions& options, Extent extent, int batch);

}  // namespace otf::host
