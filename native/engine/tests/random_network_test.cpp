// The fast engine against the plain one, on networks drawn at random.
#include "engine/registry/registry.h"
#include "engine/tests/beside_plain.h"
#include "engine/tests/check.h"

using namespace otf;

TEST_CASE("random networks: onednn gives what the plain engine gives, AVG_MODEL and MC_MODEL") {
  test::compareWithPlain(240, [](const auto& network, const EngineOptions& options) {
    return createEngine("onednn", network, options);
  });
}
