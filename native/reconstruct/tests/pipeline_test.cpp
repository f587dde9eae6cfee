// Simulated cubes through the shipped network.
#include "task/pipeline.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/registry/registry.h"
#include "reconstruct/tests/fixtures.h"
#include "simulate/cube/cube.h"

using namespace otf;
using simulate::CurveShape;

namespace {

const std::string kWeights = std::string(OTF_MODELS) + "/demo-transients/weights.dat";

CubeSpec spec(int64_t size, int frames) {
  CubeSpec it;
  it.array = simulate::readAntennaTable(std::string(OTF_MODELS) + "/demo-transients/array.enu", -30.713);
  it.sizePx = size;
  it.frames = frames;
  it.hours = frames / 4.0;
  it.sigmaOverPeak = 0.2;
  it.seed = 11;
  return it;
}

struct Run {
  test::TemporaryFolder folder;
  CubeTruth truth;
  explicit Run(const CubeSpec& it) : truth(simulateCube(it, folder / "", 2)) {}

  std::unique_ptr<ReconstructionTask> task(const ReconstructorConfig& config,
                                           const ReconstructRequest& request = {}) const {
    const Network network = readNetwork(kWeights);
    CubeReader cube = CubeReader::open({{folder / "dirty.fits", "dirty.fits"}});
    PsfReader psf = PsfReader::open({{folder / "psf.fits", "psf.fits"}}, cube.info());
    return std::make_unique<ReconstructionTask>(std::move(cube), std::move(psf), config,
                                                reconstructorReach(network, kChannels), request);
  }
  void run(ReconstructionTask& task, int batch = 1, int threads = 2) const {
    EngineOptions options;
    options.threads = threads;
    const auto engine = createEngine("onednn", std::make_shared<Network>(readNetwork(kWeights)), options);
    PipelineOptions pipeline;
    pipeline.batch = batch;
    pipeline.threads = threads;
    runTileTask(task, *engine, pipeline);
    task.finish(threads);
  }
};

}  // namespace

TEST_CASE("the network's reach is that of its layers, and others are refused") {
  const NetworkReach reach = reconstructorReach(readNetwork(kWeights), kChannels);
  CHECK(reach.x == 9);
  CHECK(reach.y == 9);
  CHECK(reach.t == 16);
  CHECK_THROWS_WITH_AS(reconstructorReach(readNetwork(kWeights), 1), doctest::Contains("takes 3 channels"),
                       OtfError);
  const Network detector = readNetwork(std::string(OTF_MODELS) + "/demo-continuum/weights.dat");
  CHECK_THROWS_AS(reconstructorReach(detector, detector.trained.c), OtfError);
}

TEST_CASE("a cube cut into tiles in space and time gives what the whole gives, whatever batch and threads") {
  const Run cube(spec(48, 44));
  const auto whole = cube.task(test::demoReconstructor());
  CHECK(whole->items() == 1);
  cube.run(*whole);
  ReconstructorConfig small = test::demoReconstructor();
  small.tilePx = 34;
  small.depthFrames = 40;
  const auto tiled = cube.task(small), batched = cube.task(small);
  CHECK(tiled->items() == 8);
  cube.run(*tiled);
  double most = 0, worst = 0;
  for (size_t i = 0; i < whole->reconstructed().size(); ++i) {
    most = std::max(most, std::abs(double(whole->reconstructed()[i])));
    worst = std::max(worst, std::abs(double(whole->reconstructed()[i]) - double(tiled->reconstructed()[i])));
  }
  CHECK(most > 4);
  CHECK(worst < 1e-5 * most);
  cube.run(*batched, 3, 1);
  CHECK(batched->reconstructed() == tiled->reconstructed());
}

TEST_CASE("sources of a simulated cube are found, measured and told apart") {
  CubeSpec it = spec(64, 32);
  it.sources = {{20.3, 41.4, CurveShape::kGaussian, 12, 3, 5e-3},
                {44.1, 17.8, CurveShape::kSteady, 0, 1, 5e-3},
                {12.0, 12.0, CurveShape::kGate, 22, 3, 6e-3}};
  const Run cube(it);
  ReconstructRequest request;
  request.thresholdSnr = 8;  // well above what an empty cube has
  request.folder = cube.folder / "";
  request.positions = {
      {"empty", 50.0, 50.0, false}, {"steady", 44.0, 18.0, false}, {"away", 150.0, 10.0, true}};
  const auto task = cube.task(test::demoReconstructor(), request);
  cube.run(*task);
  const Reconstruction& found = task->result();
  REQUIRE(found.sources.size() >= 5);
  const auto near = [&](double x, double y) -> const ReconstructedSource& {
    for (const ReconstructedSource& s : found.sources) {
      if (s.measured.isComponent && std::hypot(s.measured.x - x, s.measured.y - y) < 1) return s;
    }
    FAIL("not found");
    return found.sources[0];
  };
  CHECK(near(20.3, 41.4).label == SourceLabel::kTransient);
  CHECK(near(12, 12).label == SourceLabel::kTransient);
  CHECK(near(44.1, 17.8).label == SourceLabel::kSteady);
  CHECK(std::abs(near(20.3, 41.4).peakFrame - 12) <= 2);
  // Forced fluxes are the truth within their errors.
  double chi2 = 0, bias = 0;
  for (size_t k = 0; k < 3; ++k) {
    const CubeSource& truth = cube.truth.sources[k];
    const MeasuredSource& source = near(truth.placed.x, truth.placed.y).measured;
    for (size_t t = 0; t < 32; ++t) {
      const double pull = (source.flux[t] - truth.fluxJy[t]) / source.fluxError[t];
      chi2 += pull * pull / 96;
      bias += pull / 96;
      CHECK(source.fluxError[t] == doctest::Approx(1e-3).epsilon(0.15));
    }
  }
  CHECK(chi2 > 0.6);
  CHECK(chi2 < 1.5);
  CHECK(std::abs(bias) < 0.4);
  // Positions are measured whatever is there.
  const auto named = [&](const char* name) {
    for (const ReconstructedSource& s : found.sources) {
      if (s.measured.name == name) return s;
    }
    FAIL("not measured");
    return found.sources[0];
  };
  CHECK(std::abs(named("empty").variability.mean) < 5 * named("empty").variability.meanError);
  CHECK(named("steady").variability.mean == doctest::Approx(5e-3).epsilon(0.15));
  CHECK(std::isnan(named("empty").measured.statistic));
  CHECK(found.warnings.size() >= 1);
  CHECK(found.warnings[0].find("position away is not on the cube") != std::string::npos);
  // The images: what was subtracted is gone from the residual.
  FitsImage residual = FitsImage::open(cube.folder / "residual.fits", {std::nullopt, 12, {}});
  REQUIRE(residual.info().planes == 32);
  std::vector<float> pixels(64 * 64);
  residual.readWindow(0, 0, 64, 64, pixels.data(), 64);
  CHECK(std::abs(pixels[41 * 64 + 20]) < 4e-3F);
  CHECK(FitsImage::open(cube.folder / "snr_max.fits").info().planes == 1);
  CHECK(CubeReader::open({{cube.folder / "reconstructed.fits", "r"}}).info().frames == 32);
  CHECK(found.files.size() == 3);
}

TEST_CASE("classical methods go the same way without a network") {
  const Run cube(spec(32, 16));
  for (const auto method :
       {ReconstructMethod::kClean, ReconstructMethod::kCleanSmooth, ReconstructMethod::kCleanBank}) {
    ReconstructRequest request;
    request.method = method;
    const auto task = cube.task(test::demoReconstructor(), request);
    task->runClassical();
    task->finish(2);
    CHECK(!task->result().sources.empty());
  }
}

TEST_CASE("a cancelled reconstruction stops, a network of another reach is refused") {
  const Run cube(spec(32, 16));
  const auto task = cube.task(test::demoReconstructor());
  CHECK_THROWS_AS(task->finish(1), OtfError);
  task->cancel();
  CHECK_THROWS_AS(task->prepare(), OtfError);
  Network other = readNetwork(kWeights);
  auto& first = std::get<ConvLayer>(other.layers[0]);
  first.padding[0] += 1;
  CHECK_THROWS_AS(cube.task(test::demoReconstructor())->checkNetwork(other), OtfError);
}
