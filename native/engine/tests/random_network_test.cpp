// The fast engine against the plain one, on networks drawn at random.
#include "engine/engine.h"
#include "engine/registry/registry.h"
#include "engine/tests/check.h"
#include "engine/tests/random_networks.h"

using namespace otf;

namespace {
constexpr uint32_t kNetworks = 240;
}  // namespace

TEST_CASE("random networks: onednn gives what the plain engine gives, AVG_MODEL and MC_MODEL") {
  for (uint32_t seed = 1; seed <= kNetworks; ++seed) {
    test::Draw draw(seed);
    const auto network = std::make_shared<Network>(test::drawNetwork(seed, draw));
    if (network->layers.empty()) continue;
    CAPTURE(seed);
    CAPTURE(test::text(*network));
    EngineOptions options;
    options.threads = 2;
    options.inputBias = draw.real();
    options.rawOutput = draw.chance(30);
    const auto plain = createEngine("reference", network, options);
    const auto fast = createEngine("onednn", network, options);
    const Extent extent = network->trained.extent;
    const int batch = draw.between(1, 4);
    std::vector<float> x(static_cast<size_t>(batch * network->trained.values()));
    for (float& value : x) value = draw.real();
    const auto count = static_cast<size_t>(batch * plain->outputValues(extent));

    std::vector<float> expected(count);
    std::vector<float> got(count);
    plain->forward(extent, batch, x.data(), expected.data());
    fast->forward(extent, batch, x.data(), got.data());
    // Group norms of tiny groups divide by small deviations: rounding of what comes before grows there.
    CHECK(test::worst(got.data(), expected.data(), static_cast<int64_t>(count), 2e-4, 2e-4) <= 1.0);

    if (seed % 3 != 0) continue;
    std::vector<float> meanA(count), meanB(count), deviationA(count), deviationB(count);
    plain->forwardMonteCarlo(extent, batch, 3, seed, x.data(), meanA.data(), deviationA.data());
    fast->forwardMonteCarlo(extent, batch, 3, seed, x.data(), meanB.data(), deviationB.data());
    CHECK(test::worst(meanB.data(), meanA.data(), static_cast<int64_t>(count), 5e-4, 5e-4) <= 1.0);
    CHECK(test::worst(deviationB.data(), deviationA.data(), static_cast<int64_t>(count), 1e-3, 1e-3) <= 1.0);
  }
}
