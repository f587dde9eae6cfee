#include "engine/tests/beside_plain.h"

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/reference/reference_engine.h"
#include "engine/tests/check.h"
#include "engine/tests/random_networks.h"

namespace otf::test {

void compareWithPlain(uint32_t networks, const Opener& open) {
  for (uint32_t seed = 1; seed <= networks; ++seed) {
    Draw draw(seed);
    const auto network = std::make_shared<Network>(drawNetwork(seed, draw));
    if (network->layers.empty()) continue;
    CAPTURE(seed);
    CAPTURE(text(*network));
    EngineOptions options;
    options.threads = 2;
    options.inputBias = draw.real();
    options.rawOutput = draw.chance(30);
    const auto plain = createReferenceEngine(network, options);
    const auto engine = open(network, options);
    const Extent extent = network->trained.extent;
    const int batch = draw.between(1, 4);
    std::vector<float> x(static_cast<size_t>(batch * network->trained.values()));
    for (float& value : x) value = draw.real();
    const auto count = static_cast<size_t>(batch * plain->outputValues(extent));
    const auto off = [&](const std::vector<float>& got, const std::vector<float>& expected, double limit) {
      return worst(got.data(), expected.data(), static_cast<int64_t>(count), limit, limit);
    };

    std::vector<float> expected(count);
    std::vector<float> got(count, NAN);
    plain->forward(extent, batch, x.data(), expected.data());
    engine->forward(extent, batch, x.data(), got.data());
    // Group norms of tiny groups divide by small deviations: rounding of what comes before grows there.
    CHECK(off(got, expected, 2e-4) <= 1.0);

    if (seed % 3 != 0) continue;
    std::vector<float> means(count), deviations(count), gotMeans(count, NAN), gotDeviations(count, NAN);
    plain->forwardMonteCarlo(extent, batch, 3, seed, x.data(), means.data(), deviations.data());
    engine->forwardMonteCarlo(extent, batch, 3, seed, x.data(), gotMeans.data(), gotDeviations.data());
    CHECK(off(gotMeans, means, 5e-4) <= 1.0);
    CHECK(off(gotDeviations, deviations, 1e-3) <= 1.0);
  }
}

}  // namespace otf::test
