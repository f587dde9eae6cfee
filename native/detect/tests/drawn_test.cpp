#include "detect/drawn.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "detect/tests/fixtures.h"

using namespace otf;

TEST_CASE("moments of a box's planes as values of the catalogue") {
  const DetectorConfig config = test::demoConfig();
  const YoloHead head = test::demoHead();
  const TileLayout layout = layoutTiles({100, 200, 300, 300}, config.tilePx, config.overlapPx);
  const int side = config.tilePx / config.gridElementPx, cells = side * side;
  const int32_t cell = 5 * side + 3, prior = 2;
  const auto values = static_cast<size_t>(head.planes() * cells);
  std::vector<float> mean(values, 0.0F), deviation(values, 0.0F);
  const auto set = [&](int plane, float middle, float spread) {
    const auto at = static_cast<size_t>((prior * head.planesPerBox() + plane) * cells + cell);
    mean[at] = middle;
    deviation[at] = spread;
  };
  set(0, 0.25F, 0.5F);   // x within the cell
  set(1, 0.5F, 0.25F);   // y
  set(3, 0.5F, 0.125F);  // ln of the width
  set(7, 0.75F, 0.0625F);
  set(8, 0.5F, 0.01F);      // ln flux
  set(8 + 3, 1.0F, 0.0F);   // cos
  set(8 + 4, 0.5F, 0.05F);  // sin, 0 as 0.5
  Box box{};
  box.prior = prior, box.cell = cell, box.tile = 0;
  std::vector<std::vector<DrawnBox>> tiles(static_cast<size_t>(layout.tiles()));
  tiles[0] = drawnBoxes(head, side, std::vector<Box>{box}, mean.data(), deviation.data());
  Source source{};
  source.prior = prior, source.cell = cell, source.tile = 0;
  const auto drawn = drawnSources(config, head, layout, tiles, std::vector<Source>{source}, nullptr);
  REQUIRE(drawn.size() == 1);
  const DrawnSource& one = drawn[0];
  const double originX = static_cast<double>(100 + layout.columns.begin(0));
  CHECK(one.x.mean == doctest::Approx(originX + 3.25 * 16 - 0.5));
  CHECK(one.x.deviation == doctest::Approx(8));
  CHECK(one.y.deviation == doctest::Approx(4));
  CHECK(one.width.mean == doctest::Approx(head.priors[prior][0] * std::exp(0.5)));
  CHECK(one.width.deviation == doctest::Approx(one.width.mean * 0.125));
  CHECK(one.objectness.mean == doctest::Approx(0.75));
  const ParameterSpec& flux = config.parameters[0];
  CHECK(one.values[0].mean ==
        doctest::Approx(std::exp(0.5 * (flux.max - flux.min) + flux.min)).epsilon(1e-6));
  CHECK(one.values[0].deviation ==
        doctest::Approx(one.values[0].mean * 0.01 * (flux.max - flux.min)).epsilon(1e-6));
  CHECK(std::isnan(one.ra.mean));
  CHECK(std::isnan(one.pa.mean));  // no sky to have it on
  source.cell = 0;
  CHECK(test::codeOf([&] {
          drawnSources(config, head, layout, tiles, std::vector<Source>{source}, nullptr);
        }) == Code::kInternal);
}
