#include <doctest/doctest.h>

#include <limits>

#include "detect/config_check.h"
#include "detect/tests/fixtures.h"

using namespace otf;

namespace {

Code codeWith(const std::function<void(DetectorConfig&)>& change) {
  DetectorConfig config = test::demoConfig();
  change(config);
  return test::codeOf([&] { checkDetectorConfig(config, test::demoHead()); });
}

}  // namespace

TEST_CASE("the demo model's section fits its network") {
  CHECK_NOTHROW(checkDetectorConfig(test::demoConfig(), test::demoHead()));
  CHECK_NOTHROW(checkDetectorNetwork(test::demoConfig(), *test::shapeOnlyNetwork()));
}

TEST_CASE("every field that does not fit is refused") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  using Change = std::function<void(DetectorConfig&)>;
  const std::vector<Change> changes{
      [](auto& c) { c.objectnessThreshold.pop_back(); },
      [&](auto& c) { c.objectnessThreshold[2] = nan; },
      [](auto& c) { c.parameters.pop_back(); },
      [](auto& c) { c.parameters.back().scale = ParameterSpec::Scale::kLog; },
      [](auto& c) { c.parameters[0].scale = ParameterSpec::Scale::kCos; },
      [](auto& c) { c.parameters[0].max = std::numeric_limits<double>::infinity(); },
      [](auto& c) { c.tilePx = 250; },
      [](auto& c) { c.tilePx = 0; },
      [](auto& c) { c.tilePx = 1 << 20; },
      [](auto& c) { c.gridElementPx = 0; },
      [](auto& c) { c.gridElementPx = -16; },
      [](auto& c) { c.overlapPx = 256; },
      [](auto& c) { c.overlapPx = -1; },
      [](auto& c) { c.minBoxPx = 0; },
      [&](auto& c) { c.minBoxPx = nan; },
      [&](auto& c) { c.secondIou = nan; },
      [](auto& c) { c.dropEdgeTiles = -1; },
      [](auto& c) { c.medianLimit.pop_back(); },
      [](auto& c) { c.firstObjectness.push_back(1); },
      [&](auto& c) { c.firstIou[0] = nan; },
      [](auto& c) { c.normalise.erase(c.normalise.begin()); },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    CAPTURE(i);
    CHECK(codeWith(changes[i]) == Code::kDetectorConfig);
  }
}

TEST_CASE("a network that cannot do the section's work is refused") {
  const DetectorConfig config = test::demoConfig();
  const auto code = [](const DetectorConfig& section, const Network& network) {
    return test::codeOf([&] { checkDetectorNetwork(section, network); });
  };
  CHECK(code(config, *test::shapeOnlyNetwork(3)) == Code::kShapeMismatch);

  const auto plain = test::shapeOnlyNetwork();
  std::get<ConvLayer>(plain->layers.back()).activation.kind = ActivationKind::kRelu;
  CHECK(code(config, *plain) == Code::kDetectorConfig);

  DetectorConfig otherGrid = config;
  otherGrid.gridElementPx = 32;
  CHECK(code(otherGrid, *test::shapeOnlyNetwork()) == Code::kDetectorConfig);
}
