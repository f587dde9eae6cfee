// Weights in the uv plane.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "simulate/cube/cube.h"
#include "simulate/cube/response.h"

using namespace otf;

TEST_CASE("super-weighting: a field has the weights of one that is smaller") {
  CubeSpec spec;
  spec.array = simulate::builtInArray("core-halo", 7);
  spec.frames = 8;
  spec.cellArcsec = 1.5;  // no baseline is outside
  const auto visibilities = simulate::frameVisibilities(spec.array, simulate::trackOf(spec), 0);
  const double cellRad = simulate::cellRadians(spec);
  // Three cells to a side are just one of a field a third as large.
  const int64_t side = 128, wide = 3 * side;
  for (const Weighting weighting : {Weighting::kUniform, Weighting::kBriggs}) {
    const auto few = simulate::gridWeights(visibilities, side, cellRad, weighting, 0);
    const auto many = simulate::gridWeights(visibilities, wide, cellRad, weighting, 0, 3);
    const auto plain = simulate::gridWeights(visibilities, wide, cellRad, weighting, 0);
    double worst = 0, worstPlain = 0;
    for (const simulate::Visibility& it : visibilities) {
      const auto small = simulate::cellOf(it, side, cellRad), large = simulate::cellOf(it, wide, cellRad);
      REQUIRE(small.inside());
      const double expected = few.weight[size_t(small.y * side + small.x)];
      const size_t cell = size_t(large.y * wide + large.x);
      worst = std::max(worst, std::abs(many.weight[cell] / expected - 1));
      worstPlain = std::max(worstPlain, std::abs(plain.weight[cell] / expected - 1));
    }
    CHECK(worst < 1e-12);
    CHECK(worstPlain > 0.5);
  }
}
