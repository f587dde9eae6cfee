// What to look at before the numbers of a source are believed.
#include "reconstruct/flags.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

using namespace otf;

TEST_CASE("flags say what is near a source, where it is blank, and what is brighter than the training") {
  CubeInfo cube;
  cube.width = 40;
  cube.height = 30;
  const std::vector<double> sigmas{1, 2, 1};
  const auto source = [&](double x, double y, double peak, std::vector<double> flux) {
    ReconstructedSource row;
    row.measured.x = x;
    row.measured.y = y;
    row.measured.flux = std::move(flux);
    row.measured.fluxError = sigmas;
    row.measured.localRms = {1.1, 1.1, 1.6};
    row.peakFlux = peak;
    return row;
  };
  std::vector<ReconstructedSource> rows{source(10, 10, 5, {1, 2, 3}), source(12, 11, 5, {1, std::nan(""), 3}),
                                        source(36.5, 20, 30, {1, 2, 3}), source(20, 27, 30, {1, 2, 3})};
  rows[3].measured.staticFlux = 28;
  findNeighbours(rows);
  ReconstructorConfig config;
  config.peakSnrMax = 20;
  flagSources(cube, sigmas, config, ReconstructMethod::kNetwork, rows);
  CHECK(rows[0].flags == kNeighbourInBeam);
  CHECK(rows[1].flags == (kNeighbourInBeam | kSomeFramesBlank));
  CHECK(rows[2].flags == (kEdgeInBeam | kBeyondTraining));
  CHECK(rows[3].flags == kEdgeInBeam);
  CHECK(rows[1].pointFlags == std::vector<int32_t>{0, kPixelBlank, kDisturbed});
  flagSources(cube, sigmas, config, ReconstructMethod::kClean, rows);
  CHECK(rows[2].flags == kEdgeInBeam);
}
