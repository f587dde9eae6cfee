// What every engine is: a network, loaded once, that turns input tiles into output values. Which engines there are:
// registry/registry.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/calibration.h"
#include "model/network.h"

namespace otf {

/// CIANNA's names: C is the operand type of the multiplications, A the accumulator.
enum class ComputeType { kFp32cFp32a, kTf32cFp32a, kFp16cFp32a, kFp16cFp16a, kBf16cFp32a, kInt8cInt32a };
std::string_view computeTypeName(ComputeType type);                  // "FP32C_FP32A"
std::optional<ComputeType> parseComputeType(std::string_view name);  // also "FP32", "BF16", ...; any case
/// What an engine that has `types` makes of a request: it; of FP16 with sums in FP16 the same with sums in FP32; or FP32.
ComputeType effectiveType(const std::vector<ComputeType>& types, ComputeType asked);

struct EngineOptions {
  ComputeType computeType = ComputeType::kFp32cFp32a;
  int threads = 0;         // 0: the CPUs this process may use
  float inputBias = 0.1F;  // value of the first layer's bias input (registry BiasInit)
  bool rawOutput = false;  // YOLO: activated values instead of box edges in pixels
  /// No more than one item is ever under way: nothing is made ready for others beside it.
  bool oneItem = false;
  /// What INT8 needs.
  std::shared_ptr<const Calibration> calibration;
  /// FP32 of the engine onednn: takes the ranges of what comes out of the layers.
  std::shared_ptr<RangeNotes> ranges;
};

struct EngineInfo {
  std::string engine, version, device;
  ComputeType asked = ComputeType::kFp32cFp32a, effective = ComputeType::kFp32cFp32a;
  int threads = 1;
};

struct LayerTiming {
  std::string layer;   // describeLayer
  std::string kernel;  // implementation that ran, in the engine's words
  double seconds = 0;  // for the whole batch
  double flops = 0;    // for the whole batch
  /// Done in strips together with the layer before: what flows between the two stays in the cache.
  bool follows = false;
  /// Multiply-adds that were done of those in flops: less than 1 where an algorithm needs fewer.
  double arithmetic = 1.0;
};

/// Throws kInvalidArgument for less than one item.
void requireBatch(int batch);

/// Thread-safe: calls from several threads are served in their order; where passesAtOnce() is more than 1,
/// the next begins as soon as the one before leaves processors free. Tensors are contiguous float32: input
/// [batch][C][D][H][W], output [batch][outputValues(extent)]. A spatial output keeps C,D,H,W order; a dense
/// one has neurons+1 values, as CIANNA saves them.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual const Network& network() const = 0;
  virtual const EngineInfo& info() const = 0;
  /// Calls of forward() under way at the same time that are of use.
  virtual int passesAtOnce() const { return 1; }

  /// Throws kShapeMismatch for an extent the network cannot take, kEngineFailed, kOutOfMemory.
  virtual void forward(Extent extent, int batch, const float* input, float* output) = 0;

  /// MC_MODEL: `repeats` passes, each with a new dropout mask; mean and standard deviation (n-1) per value.
  /// The same seed gives the same masks. repeats >= 2. Same layout as forward().
  virtual void forwardMonteCarlo(Extent extent, int batch, int repeats, uint64_t seed, const float* input,
                                 float* mean, float* deviation) = 0;

  /// forward() with the time of each layer, or of the whole network where the engine cannot tell them apart; for bench.
  virtual std::vector<LayerTiming> profile(Extent extent, int batch, const float* input, float* output) = 0;

  int64_t outputValues(Extent extent) const;

  /// What the engine holds now: weights in its own order, activations, scratch.
  virtual int64_t memoryBytes() const = 0;
};

/// An engine known to this build, present or not.
struct EngineDescription {
  std::string name, version, device;
  bool available = false;
  std::string reason;                     // why not
  std::vector<ComputeType> computeTypes;  // effective ones
};

}  // namespace otf
