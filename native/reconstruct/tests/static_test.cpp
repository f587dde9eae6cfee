// What is steady taken away before the network, and put back.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "reconstruct/static_shares.h"
#include "reconstruct/static_sky.h"
#include "reconstruct/tests/simulated.h"

using namespace otf;
using simulate::CurveShape;
using test::Run;

namespace {

constexpr double kNoise = 1e-3;

/// Two sources far brighter than the network was trained for, between pixels; a transient beside one of them, in its sidelobes.
CubeSpec brightSky() {
  CubeSpec it = test::spec(48, 32);
  it.sources = {{14.3, 30.4, CurveShape::kSteady, 0, 1, 150 * kNoise},
                {36.8, 12.1, CurveShape::kSteady, 0, 1, 80 * kNoise},
                {24.2, 36.7, CurveShape::kGaussian, 14, 3, 8 * kNoise}};
  return it;
}

double largest(const CubePlanes& planes) {
  std::vector<float> image(size_t(planes.pixels()));
  double out = 0;
  for (int t = 0; t < planes.cube().frames; ++t) {
    planes.readDirty(t, image.data());
    for (const float v : image) out = std::max(out, std::abs(double(v)));
  }
  return out;
}

const ReconstructedSource& near(const Reconstruction& found, double x, double y) {
  for (const ReconstructedSource& it : found.sources) {
    if (it.measured.isComponent && std::hypot(it.measured.x - x, it.measured.y - y) < 1) return it;
  }
  FAIL("not found");
  return found.sources[0];
}

}  // namespace

TEST_CASE("the static sky has the steady sources, and frames are read without them, whatever the threads") {
  const Run cube(brightSky());
  const auto task = cube.task(test::demoReconstructor());
  const CubePlanes& planes = task->bands().front()->planes;
  CubePlanes without(task->bands().front()->cube, task->bands().front()->psf);
  const auto sky = std::make_shared<StaticSky>(planes, 3.2, 1, nullptr);
  const StaticSky again(planes, 3.2, 3, nullptr);
  REQUIRE(sky->components().size() == again.components().size());
  CHECK(sky->image() == again.image());
  for (size_t k = 0; k < 2; ++k) {
    const PlacedSource& truth = cube.truth.sources[k].placed;
    double sum = 0;
    for (const CleanComponent& it : sky->components()) {
      if (std::hypot(double(it.x) - truth.x, double(it.y) - truth.y) < 3) sum += double(it.flux);
    }
    CHECK(sum == doctest::Approx(truth.peakJy).epsilon(0.1));
  }
  without.takeAway(sky);
  CHECK(largest(planes) > 140 * kNoise);
  CHECK(largest(without) < 30 * kNoise);
  std::vector<float> image(size_t(planes.pixels()));
  without.readDirty(14, image.data());
  CHECK(image[37 * 48 + 24] == doctest::Approx(8 * kNoise).epsilon(0.5));
  // Nothing bright: nothing is taken.
  CubeSpec faint = test::spec(32, 16);
  faint.sources = {{14.3, 20.4, CurveShape::kSteady, 0, 1, 3 * kNoise}};
  const Run quiet(faint);
  const auto other = quiet.task(test::demoReconstructor());
  CHECK(StaticSky(other->bands().front()->planes, 3.2, 2, nullptr).components().empty());
  const std::atomic<bool> stop{true};
  CHECK_THROWS_AS(StaticSky(planes, 3.2, 2, &stop), OtfError);
}

TEST_CASE(
    "fluxes have what was taken away, and a transient beside bright sources is reconstructed as without "
    "them") {
  const Run cube(brightSky());
  ReconstructorConfig config = test::demoReconstructor();
  config.peakSnrMin = 1 / 0.7;
  config.peakSnrMax = 20;
  const auto result = [&](StaticPart part) {
    ReconstructRequest request;
    request.staticPart = part;
    request.thresholdSnr = 8;
    request.folder = cube.folder / "";
    request.positions = {{"bright", 14.0, 30.0, false}, {"empty", 40.0, 40.0, false}};
    auto task = cube.task(config, request);
    cube.run(*task);
    return task;
  };
  const auto told = [](const ReconstructionTask& task, const char* part) {
    const auto& all = task.result().warnings;
    return std::any_of(all.begin(), all.end(), [&](const std::string& w) { return w.find(part) != w.npos; });
  };
  const auto plain = result(StaticPart::kNone);
  CHECK(told(*plain, "brighter than the network was trained for"));
  CHECK(told(*plain, "STATIC=mean-clean"));
  CHECK(near(plain->result(), 14.3, 30.4).measured.staticFlux == 0);

  const auto task = result(StaticPart::kMeanClean);
  const Reconstruction& found = task->result();
  CHECK(!told(*task, "brighter"));
  CHECK(!told(*task, "fainter"));
  for (size_t k = 0; k < 2; ++k) {
    const PlacedSource& truth = cube.truth.sources[k].placed;
    const ReconstructedSource& source = near(found, truth.x, truth.y);
    CHECK(source.label == SourceLabel::kSteady);
    CHECK(std::hypot(source.measured.x - truth.x, source.measured.y - truth.y) < 0.1);
    CHECK(source.variability.mean == doctest::Approx(truth.peakJy).epsilon(0.02));
    CHECK(source.measured.staticFlux > 0.7 * truth.peakJy);
    CHECK(source.measured.fluxRec[5] == doctest::Approx(truth.peakJy).epsilon(0.03));
  }
  const CubeSource& truth = cube.truth.sources[2];
  const ReconstructedSource& transient = near(found, 24.2, 36.7);
  CHECK(transient.label == SourceLabel::kTransient);
  double forced = 0, network = 0;
  for (size_t t = 0; t < 32; ++t) {
    forced += std::pow((transient.measured.flux[t] - truth.fluxJy[t]) / kNoise, 2) / 32;
    network += std::pow((transient.measured.fluxRec[t] - truth.fluxJy[t]) / kNoise, 2) / 32;
  }
  CHECK(forced < 2.5);
  CHECK(network < 1);
  // A position is measured as the source that is there is; where nothing is there is nothing.
  for (const ReconstructedSource& it : found.sources) {
    if (it.measured.name == "bright")
      CHECK(it.variability.mean == doctest::Approx(150 * kNoise).epsilon(0.03));
    if (it.measured.name == "empty") {
      CHECK(it.measured.staticFlux == 0);
      CHECK(std::abs(it.variability.mean) < 5 * it.variability.meanError);
    }
  }
  // It is in the reconstruction, and not in the residual.
  FitsImage reconstructed = FitsImage::open(cube.folder / "reconstructed.fits", {std::nullopt, 3, {}}),
            residual = FitsImage::open(cube.folder / "residual.fits", {std::nullopt, 3, {}});
  std::vector<float> image(48 * 48), rest(48 * 48);
  reconstructed.readWindow(0, 0, 48, 48, image.data(), 48);
  residual.readWindow(0, 0, 48, 48, rest.data(), 48);
  CHECK(image[30 * 48 + 14] > 100 * kNoise);
  for (const float v : rest) CHECK(std::abs(double(v)) < 20 * kNoise);
}

TEST_CASE("components belong to the nearest source, those of a position to what is there") {
  CubeSpec it = test::spec(32, 16);
  it.sources = {{10.2, 10.3, CurveShape::kSteady, 0, 1, 100 * kNoise}};
  const Run cube(it);
  const auto task = cube.task(test::demoReconstructor());
  const StaticSky sky(task->bands().front()->planes, 3.2, 2, nullptr);
  REQUIRE(!sky.components().empty());
  const auto source = [](double x, double y, bool isFound) {
    MeasuredSource out;
    out.x = x;
    out.y = y;
    out.isComponent = isFound;
    return out;
  };
  const auto shares = [&](const std::vector<MeasuredSource>& sources) {
    std::vector<size_t> counts;
    for (const auto& share : staticShares(sky, 3.2, 2.4, sources)) counts.push_back(share.size());
    return counts;
  };
  const size_t all = sky.components().size();
  CHECK(shares({source(10.2, 10.3, true), source(22, 22, true)}) == std::vector<size_t>{all, 0});
  CHECK(shares({source(10.2, 10.3, true), source(10, 10, false)}) == std::vector<size_t>{all, all});
  CHECK(shares({source(10.2, 10.3, true), source(13, 10, false)}) == std::vector<size_t>{all, 0});
  CHECK(shares({source(22, 22, true), source(10, 10, false)}) == std::vector<size_t>{0, all});
}
