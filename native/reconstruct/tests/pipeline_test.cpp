// Simulated cubes through the shipped network.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reconstruct/tests/simulated.h"
#include "reconstruct/trained_ranges.h"

using namespace otf;
using simulate::CurveShape;
using test::kWeights;
using test::Run;
using test::spec;

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

TEST_CASE("bands are reconstructed one by one, in one catalogue with a light curve for each") {
  CubeSpec it = spec(32, 16);
  it.sources = {{10, 12, CurveShape::kSteady, 0, 1, 8e-3}};
  const Run low(it);
  it.sources = {{22, 20, CurveShape::kSteady, 0, 1, 8e-3}};
  it.seed = 12;
  const Run high(it);
  const test::TemporaryFolder folder;
  // (f,t,y,x), the axis of frequency last.
  const auto join = [&](const char* name, int64_t side) {
    std::vector<FitsKey> keys = test::cubeHeader(double(side) / 2 + 1);
    keys.push_back({"CTYPE4", "", "FREQ", 0, true, false});
    keys.push_back({"CRPIX4", "", "", 1, false, false});
    keys.push_back({"CRVAL4", "", "", 1.3e9, false, false});
    keys.push_back({"CDELT4", "", "", 1e8, false, false});
    FitsImageWriter writer(folder / name, side, side, keys, {16, 2});
    for (const Run* run : {&low, &high}) {
      for (int t = 0; t < 16; ++t) {
        FitsImage image = FitsImage::open(run->folder / name, {std::nullopt, t, {}});
        std::vector<float> pixels(size_t(side * side));
        image.readWindow(0, 0, side, side, pixels.data(), side);
        writer.writeRows(pixels.data(), side);
      }
    }
    writer.finish();
    return CubeFile{folder / name, name};
  };
  const CubeSources files{{join("dirty.fits", 32)}, {join("psf.fits", 64)}, {}};
  const NetworkReach reach = reconstructorReach(readNetwork(kWeights), kChannels);
  const auto result = [&](std::optional<int> band, double threshold, const std::string& into) {
    ReconstructRequest request;
    request.thresholdSnr = threshold;
    request.folder = into;
    request.positions = {{"there", 9.0, 20.0, false}};
    auto task = std::make_unique<ReconstructionTask>(openBands(files, band), test::demoReconstructor(), reach,
                                                     request);
    low.run(*task, 2);
    return task;
  };
  const auto both = result(std::nullopt, 12, folder / "");
  const Reconstruction& found = both->result();
  REQUIRE(both->bands().size() == 2);
  CHECK(both->bands()[1]->info().frequencyHz == doctest::Approx(1.4e9));
  REQUIRE(found.sources.size() == 3);
  for (size_t k = 0; k < 2; ++k) {
    const ReconstructedSource& source = found.sources[k];
    const size_t own = source.measured.x < 16 ? 0 : 1;
    CHECK(source.band == int(own));
    CHECK(found.bands[own][k].variability.mean == doctest::Approx(8e-3).epsilon(0.1));
    CHECK(std::abs(found.bands[1 - own][k].variability.mean) <
          5 * found.bands[1 - own][k].variability.meanError);
  }
  const FitsInfo written = FitsImage::open(folder / "residual.fits").info();
  CHECK(written.planes == 32);
  const CubeReader second = CubeReader::open({{folder / "reconstructed.fits", "r"}}, 1);
  CHECK(second.info().bands == 2);
  CHECK(second.info().frequencyHz == doctest::Approx(1.4e9));
  // A band by itself gives the same.
  const auto joint = result(std::nullopt, 1000, "");
  for (const int band : {0, 1}) {
    const auto alone = result(band, 1000, "");
    REQUIRE(alone->bands().size() == 1);
    CHECK(alone->reconstructed() == joint->bands()[size_t(band)]->reconstructed);
    CHECK(alone->result().sources[0].measured.flux == joint->result().bands[size_t(band)][0].measured.flux);
    CHECK(alone->result().sources[0].band == band);
  }
  CHECK_THROWS_WITH_AS(openBands(files, 2), doctest::Contains("there is no band 3"), OtfError);
  // One PSF for all is told of, one with other bands refused.
  const CubeSources onePsf{files.cube, {{low.folder / "psf.fits", "one"}}, {}};
  ReconstructRequest clean;
  clean.method = ReconstructMethod::kClean;
  ReconstructionTask task(openBands(onePsf), test::demoReconstructor(), reach, clean);
  task.runClassical();
  task.finish(1);
  const auto& warnings = task.result().warnings;
  CHECK(std::any_of(warnings.begin(), warnings.end(),
                    [](const std::string& w) { return w.find("the PSF one has no bands") == 0; }));
  const CubeSources wrong{{{low.folder / "dirty.fits", "c"}}, files.psf, {}};
  CHECK_THROWS_WITH_AS(openBands(wrong), doctest::Contains("it has 2 bands, the cube has 1"), OtfError);
}

TEST_CASE("what the network was not trained for is told") {
  CubeSpec it = spec(32, 16);
  it.hours = 2;  // 450 s a frame
  it.sources = {{12, 12, CurveShape::kSteady, 0, 1, 60e-3}};
  const Run cube(it);
  ReconstructorConfig config = test::demoReconstructor();
  config.psfFwhmMin = 0.5;
  config.psfFwhmMax = 1;
  config.cadenceMinS = 850;
  config.cadenceMaxS = 950;
  config.peakSnrMin = 1 / 0.7;
  config.peakSnrMax = 20;
  const auto task = cube.task(config);
  cube.run(*task);
  const auto told = [&](const char* part) {
    const auto& all = task->result().warnings;
    return std::any_of(all.begin(), all.end(), [&](const std::string& w) { return w.find(part) != w.npos; });
  };
  CHECK(told("pixels wide (FWHM), the network was trained for 0.5 to 1"));
  CHECK(told("16 frames, the network was trained with 32"));
  CHECK(told("frames are 450 s apart, the network was trained for 850 to 950 s"));
  CHECK(told("brighter than the network was trained for"));
  CHECK(!told("fainter"));
  CHECK(!told("uneven"));
  // Where all of it is in the noise, that is why.
  ReconstructRequest low;
  low.thresholdSnr = 0.1;
  low.mostSources = 1;
  const auto noisy = cube.task(config, low);
  CHECK_THROWS_WITH_AS(cube.run(*noisy), doctest::Contains("give a higher one; the PSF is"), OtfError);
}

TEST_CASE("a PSF with another plateau beside the same core is told of") {
  const auto warnings = [](double robust, int64_t size) {
    CubeSpec it = spec(size, 16);
    it.robust = robust;
    it.sources.emplace();
    const Run cube(it);
    ReconstructorConfig config = test::demoReconstructor();
    config.psfFwhmMin = 2.4;
    config.psfFwhmMax = 5;
    config.psfSidelobesMin = 0.07;
    config.psfSidelobesMax = 0.105;
    ReconstructRequest clean;
    clean.method = ReconstructMethod::kClean;
    const auto task = cube.task(config, clean);
    task->runClassical();
    for (const double width : task->bands()[0]->psfFwhmPx) CHECK((width > 2.4 && width < 5));
    return observationWarnings(*task->bands()[0], config);
  };
  const auto tells = [](const std::vector<std::string>& all) {
    return std::count_if(all.begin(), all.end(), [](const std::string& w) {
      return w.find("at 4 to 8 pixels from its peak, the network was trained for 0.07 to 0.105") != w.npos;
    });
  };
  CHECK(tells(warnings(0, 64)) == 0);
  CHECK(tells(warnings(0.5, 64)) == 1);
  // The weights of a field of 256 pixels count in cells four times as fine.
  CHECK(tells(warnings(0, 256)) == 1);
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
    REQUIRE(!task->result().sources.empty());
    // The card's error is that of its network.
    const ReconstructedSource& source = task->result().sources.front();
    CHECK(source.peakFluxError == source.measured.fluxError[size_t(source.peakFrame)]);
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
