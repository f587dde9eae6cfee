// What a layer has to do, and which of the machine's limits that meets first.
#include "engine/onednn/cpu.h"
#include "engine/roofline/layer_limit.h"
#include "engine/tests/check.h"
#include "model/architectures.h"

using namespace otf;
using namespace otf::roofline;

TEST_CASE("a layer's work is its arithmetic and each value moved once") {
  const Network network = buildArchitecture("sdc1", 1);
  const Extent extent{512, 512, 1};
  const std::vector<LayerWork> float32 = layerWork(network, extent, 4);
  const std::vector<LayerWork> bfloat16 = layerWork(network, extent, 2);
  REQUIRE(float32.size() == network.layers.size());
  // 5x5 on one channel, 32 filters with a bias.
  CHECK(float32[0].flops == 2.0 * 25 * 32 * 512 * 512);
  CHECK(float32[0].bytes() == 4.0 * (512 * 512 + 26 * 32 + 32 * 512 * 512));
  CHECK(bfloat16[0].bytes() == 4.0 * 512 * 512 + 2.0 * (26 * 32 + 32 * 512 * 512));
  CHECK(bfloat16[1].bytes() == 2.0 * (32 * 512 * 512 + 129 * 16 + 16 * 256 * 256));
  CHECK(bfloat16.back().bytes() == 2.0 * (2048 * 32 * 32 + 2049 * 117) + 4.0 * 117 * 32 * 32);
}

TEST_CASE("the limit that takes longest binds") {
  const Rates rates{100.0, 10.0, 1.0};
  const LayerLimit computed = limitOf({1000.0, 1.0, 3.0, 1.0}, 2, rates, 50);
  CHECK(computed.bound == Bound::kArithmetic);
  CHECK(computed.seconds == 20.0);
  const LayerLimit cached = limitOf({10.0, 20.0, 10.0, 20.0}, 1, rates, 50);
  CHECK(cached.bound == Bound::kCache);
  CHECK(cached.seconds == 5.0);
  const LayerLimit far = limitOf({10.0, 20.0, 10.0, 21.0}, 1, rates, 50);
  CHECK(far.bound == Bound::kMemory);
  CHECK(far.seconds == 51.0);
  // In strips only what is not near counts for the memory.
  const LayerLimit after = limitOf({10.0, 500.0, 10.0, 21.0, true, false}, 1, rates, 50);
  CHECK(after.bound == Bound::kCache);
  CHECK(after.seconds == 50.0);
  const LayerLimit between = limitOf({10.0, 20.0, 10.0, 60.0, false, true}, 1, rates, 50);
  CHECK(between.bound == Bound::kMemory);
  CHECK(between.seconds == 30.0);
}

TEST_CASE("the machine's rates are measured, and the best is kept") {
  for (const ComputeType type : {ComputeType::kFp32cFp32a, ComputeType::kBf16cFp32a}) {
    RateMeter meter(onednn::unitFor(onednn::effectiveType(type)), 2);
    meter.measure();
    const Rates first = meter.best();
    CHECK(first.flops > 0.0);
    CHECK(first.cache > 0.0);
    CHECK(first.memory > 0.0);
    meter.measure();
    CHECK(meter.best().flops >= first.flops);
    CHECK(meter.best().cache >= first.cache);
    CHECK(meter.best().memory >= first.memory);
  }
  CHECK(cacheBytes() > 0);
}
