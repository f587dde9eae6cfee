// The acceptance list of the design, section "Tests" of the simulator.
#include "simulate/cube/cube.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <numbers>
#include <optional>
#include <string>
#include <vector>

#include "error/error.h"
#include "fits/fits.h"
#include "fits/test_support.h"
#include "simulate/cube/exact.h"
#include "simulate/cube/response.h"

using namespace otf;
using simulate::CurveShape;

namespace {

CubeSpec smallSpec() {
  CubeSpec spec;
  spec.array = simulate::builtInArray("core-halo", 7);
  spec.frames = 8;
  return spec;
}

CubeSpec noiseFree(double x, double y) {
  CubeSpec spec = smallSpec();
  spec.noiseJyBeam = 0;
  spec.sources = {{x, y, CurveShape::kSteady, 0, 1, 2.5}};
  return spec;
}

float at(const std::vector<float>& plane, int64_t side, int64_t x, int64_t y) {
  return plane[size_t(y * side + x)];
}

/// Top of the quadratic surface through the brightest pixel and its neighbours.
std::pair<double, double> peakOf(const std::vector<float>& plane, int64_t side) {
  const auto top = std::max_element(plane.begin(), plane.end()) - plane.begin();
  const auto f = [&](int64_t dx, int64_t dy) {
    return std::log(double(at(plane, side, top % side + dx, top / side + dy)));
  };
  const double gx = (f(1, 0) - f(-1, 0)) / 2, gy = (f(0, 1) - f(0, -1)) / 2;
  const double xx = f(1, 0) - 2 * f(0, 0) + f(-1, 0), yy = f(0, 1) - 2 * f(0, 0) + f(0, -1);
  const double xy = (f(1, 1) - f(1, -1) - f(-1, 1) + f(-1, -1)) / 4, det = xx * yy - xy * xy;
  return {double(top % side) - (yy * gx - xy * gy) / det, double(top / side) - (xx * gy - xy * gx) / det};
}

}  // namespace

TEST_CASE("baselines: values worked out by hand") {
  using simulate::baselineUvw;
  const double d = std::numbers::pi / 180;
  const auto check = [](const simulate::Visibility& it, double u, double v, double w) {
    CHECK(it.u == doctest::Approx(u).epsilon(1e-12).scale(1));
    CHECK(it.v == doctest::Approx(v).epsilon(1e-12).scale(1));
    CHECK(it.w == doctest::Approx(w).epsilon(1e-12).scale(1));
  };
  // East baseline at transit: all of it is u.
  check(baselineUvw({100, 0, 0, 0}, -30 * d, -45 * d, 0, 0.5), 200, 0, 0);
  // East baseline six hours later: v = sin(dec), w = -cos(dec).
  check(baselineUvw({100, 0, 0, 0}, -30 * d, 30 * d, 90 * d, 1), 0, 50, -100 * std::sqrt(0.75));
  // North baseline at the equator, source at the zenith in transit: all of it is v.
  check(baselineUvw({0, 100, 0, 0}, 0, 0, 0, 1), 0, 100, 0);
  // Vertical baseline at the equator, source at the zenith: all of it is w.
  check(baselineUvw({0, 0, 100, 0}, 0, 0, 0, 2), 0, 0, 50);
  // North baseline at 45 degrees, source at the pole: foreshortened, whatever the hour angle.
  check(baselineUvw({0, 100, 0, 0}, 45 * d, 90 * d, 0, 1), 0, 100 * std::sqrt(0.5), 100 * std::sqrt(0.5));
}

TEST_CASE("the PSF peaks with 1 in its middle, whatever the weights") {
  for (const Weighting weighting : {Weighting::kNatural, Weighting::kUniform, Weighting::kBriggs}) {
    for (const bool exact : {false, true}) {
      CubeSpec spec = noiseFree(32, 32);
      spec.weighting = weighting;
      spec.exact = exact;
      const CubeFrame frame = CubeObservation(spec).frame(3);
      CHECK(at(frame.psf, 128, 64, 64) == doctest::Approx(1).epsilon(1e-6));
      CHECK(*std::max_element(frame.psf.begin(), frame.psf.end()) <= at(frame.psf, 128, 64, 64));
    }
  }
}

TEST_CASE("a source without noise has its flux at a pixel, and its place between pixels") {
  const CubeFrame centred = CubeObservation(noiseFree(20, 41)).frame(0);
  CHECK(at(centred.dirty, 64, 20, 41) == doctest::Approx(2.5).epsilon(1e-5));
  CHECK(at(centred.truth, 64, 20, 41) == doctest::Approx(2.5).epsilon(1e-6));
  // Pixels small against the beam, so that a parabola through the peak is good enough to find it.
  CubeSpec spec = noiseFree(20.3, 41.45);
  spec.cellArcsec = 0.75;
  const CubeFrame between = CubeObservation(spec).frame(4);
  const auto [x, y] = peakOf(between.dirty, 64);
  CHECK(std::abs(x - 20.3) < 0.02);
  CHECK(std::abs(y - 41.45) < 0.02);
}

TEST_CASE("the dirty image is the sky convolved with the PSF") {
  CubeSpec spec = noiseFree(20, 41);
  const CubeFrame frame = CubeObservation(spec).frame(2);
  for (const auto& [x, y] : {std::pair{25, 41}, {3, 60}, {50, 10}}) {
    CHECK(at(frame.dirty, 64, x, y) ==
          doctest::Approx(2.5 * double(at(frame.psf, 128, 64 + x - 20, 64 + y - 41))).epsilon(1e-4).scale(1));
  }
}

TEST_CASE("the fast mode is the exact one where both have the same PSF") {
  CubeSpec spec = noiseFree(0, 0);
  spec.exact = true;
  spec.sources = {{20.3, 41.45, CurveShape::kSteady, 0, 1, 1.0},
                  {40.7, 25.2, CurveShape::kSteady, 0, 1, 0.5}};
  const CubeFrame exact = CubeObservation(spec).frame(1);
  // Each source's dirty image is the PSF shifted; between pixels by its own spectrum.
  const int64_t side = 128;
  const PlaneTransform transform(side, side);
  const Buffer plane(size_t(side * side) * sizeof(float)), sum(size_t(transform.spectrumValues()) * 8),
      psf(size_t(transform.spectrumValues()) * 8);
  for (int64_t y = 0; y < side; ++y) {
    for (int64_t x = 0; x < side; ++x)
      plane.floats()[y * side + x] = at(exact.psf, side, (x + 64) % side, (y + 64) % side);
  }
  auto* response = static_cast<simulate::Complex*>(psf.data());
  auto* sky = static_cast<simulate::Complex*>(sum.data());
  transform.forward(plane.floats(), response);
  for (int64_t y = 0; y < side; ++y) {
    for (int64_t x = 0; x <= side / 2; ++x) {
      std::complex<double> phase = 0;
      for (const PlacedSource& it : *spec.sources) {
        const double turns = (double(x) * it.x + double(y <= side / 2 ? y : y - side) * it.y) / double(side);
        phase += std::polar(it.peakJy, -2 * std::numbers::pi * turns);
      }
      sky[y * (side / 2 + 1) + x] = response[y * (side / 2 + 1) + x] * simulate::Complex(phase);
    }
  }
  transform.makeHermitian(sky);
  transform.inverse(sky, plane.floats());
  double worst = 0;
  for (int64_t y = 16; y < 48; ++y) {
    for (int64_t x = 16; x < 48; ++x)
      worst =
          std::max(worst, std::abs(double(plane.floats()[y * side + x]) - double(at(exact.dirty, 64, x, y))));
  }
  CHECK(worst < 1e-3);
}

TEST_CASE("the noise has its rms, and the spectrum of the weights") {
  CubeSpec spec = smallSpec();
  spec.frames = 100;
  spec.sources.emplace();
  const CubeObservation observation(spec);
  const int64_t side = 128;
  const PlaneTransform transform(side, side);
  double power = 0, inside = 0, outside = 0;
  for (int t = 0; t < spec.frames; ++t) {
    const CubeFrame frame = observation.frame(t);
    double frameSum = 0;
    for (const float value : frame.dirty) frameSum += double(value) * double(value);
    power += frameSum / double(frame.dirty.size()) / spec.frames;
    if (t >= 4) continue;
    // Correlation with a neighbour: that of the noise's own spectrum, not of white noise.
    for (int64_t y = 0; y < 64; ++y) {
      for (int64_t x = 0; x < 63; ++x) {
        inside += double(at(frame.dirty, 64, x, y)) * double(at(frame.dirty, 64, x + 1, y));
        outside += double(at(frame.dirty, 64, x, y)) * double(at(frame.dirty, 64, x, y));
      }
    }
  }
  CHECK(std::sqrt(power) == doctest::Approx(spec.noiseJyBeam).epsilon(0.03));
  const auto visibilities = simulate::frameVisibilities(spec.array, simulate::trackOf(spec), 0);
  const auto grid = simulate::gridWeights(visibilities, side, simulate::cellRadians(spec), spec.weighting, 0);
  double expected = 0;
  for (int64_t y = 0; y < side; ++y) {
    for (int64_t x = 0; x < side; ++x) {
      const size_t cell = size_t(y * side + x);
      expected += grid.count[cell] * grid.weight[cell] * grid.weight[cell] *
                  std::cos(2 * std::numbers::pi * double(x) / double(side)) / grid.sumSquares;
    }
  }
  CHECK(inside / outside == doctest::Approx(expected).epsilon(0.1));
}

TEST_CASE("noise from an SEFD is that of the radiometer equation") {
  CubeSpec spec = smallSpec();
  spec.weighting = Weighting::kNatural;
  spec.sefdJy = 400;
  spec.bandwidthMHz = 100;
  spec.efficiency = 1;
  spec.integrationS = 8;
  // Natural weights: SEFD / sqrt(2 B t N(N-1)/2 snapshots), written out.
  const double expected = 400 / std::sqrt(2 * 100e6 * 8 * (64 * 63 / 2.0) * 5);
  CHECK(CubeObservation(spec).sigma(0) == doctest::Approx(expected).epsilon(0.01));
}

TEST_CASE("gain errors disturb the sky and not the PSF") {
  CubeSpec spec = noiseFree(32, 32);
  const CubeFrame good = CubeObservation(spec).frame(0);
  spec.gainError = 0.01;
  spec.phaseErrorDeg = 1;
  const CubeFrame bad = CubeObservation(spec).frame(0);
  CHECK(good.psf == bad.psf);
  double worst = 0;
  for (size_t i = 0; i < good.dirty.size(); ++i)
    worst = std::max(worst, std::abs(double(good.dirty[i]) - double(bad.dirty[i])));
  CHECK(worst > 1e-4);
  CHECK(worst < 0.1);
}

TEST_CASE("shapes of light curves") {
  using simulate::curveAt;
  CHECK(curveAt(CurveShape::kGate, 12, 10.5, 2) == 1);
  CHECK(curveAt(CurveShape::kGate, 13, 10.5, 2) == 0);
  CHECK(curveAt(CurveShape::kStepOn, 9, 10, 1) == 0);
  CHECK(curveAt(CurveShape::kStepOff, 9, 10, 1) == 1);
  CHECK(curveAt(CurveShape::kGaussian, 12, 10, 2) == doctest::Approx(std::exp(-0.5)));
  CHECK(curveAt(CurveShape::kDecay, 10, 10.5, 2) == 0);
  CHECK(curveAt(CurveShape::kDecay, 13, 10.5, 2) == doctest::Approx(std::exp(-1)));
  CHECK(curveAt(CurveShape::kSkewed, 9, 10, 2) == doctest::Approx(std::exp(-0.5)));
  CHECK(curveAt(CurveShape::kSkewed, 14, 10, 2) == doctest::Approx(std::exp(-0.5)));
  CHECK(curveAt(CurveShape::kPulses, 11, 10, 2) == 1);
  CHECK(curveAt(CurveShape::kPulses, 13, 10, 2) == 0);
  CHECK(curveAt(CurveShape::kPulses, 18.5, 10, 2) == 1);
  CHECK(curveAt(CurveShape::kPulses, 2.5, 10, 2) == 1);
  CHECK(curveAt(CurveShape::kPower, 12, 10, 2) == doctest::Approx(std::pow(2, -1.5)));
  for (int shape = 0; shape < 9; ++shape) {
    const auto named = simulate::parseCurve(simulate::curveName(CurveShape(shape)));
    CHECK(named == CurveShape(shape));
  }
}

TEST_CASE("the same seed gives the same files, whatever the threads; another seed others") {
  test::TemporaryFolder one, two, other;
  CubeSpec spec = smallSpec();
  spec.sizePx = 32;
  spec.shapes = {CurveShape::kPower, CurveShape::kSkewed};
  const CubeTruth truth = simulateCube(spec, one / "", 1);
  simulateCube(spec, two / "", 3);
  CHECK(truth.sources.size() == 6);
  for (const char* file : {"dirty.fits", "psf.fits", "truth.fits"}) {
    // DATE and CHECKSUM say when; the pixels are the rest.
    FitsImage a = FitsImage::open(one / file, {std::nullopt, 5, {}}),
              b = FitsImage::open(two / file, {std::nullopt, 5, {}});
    REQUIRE(a.info().planes == 8);
    std::vector<float> left(size_t(a.info().width * a.info().height)), right(left.size());
    a.readWindow(0, 0, a.info().width, a.info().height, left.data(), a.info().width);
    b.readWindow(0, 0, b.info().width, b.info().height, right.data(), b.info().width);
    CHECK(left == right);
  }
  spec.seed = 2;
  CHECK(simulateCube(spec, other / "", 2).sources[0].placed.x != truth.sources[0].placed.x);
}

TEST_CASE("what cannot be simulated is refused in one line") {
  const auto refused = [](void (*change)(CubeSpec&), const char* part) {
    CubeSpec spec = smallSpec();
    change(spec);
    try {
      const CubeObservation observation(spec);
      FAIL("not refused");
    } catch (const OtfError& error) {
      CHECK(error.code() == Code::kInvalidArgument);
      CHECK(std::string(error.what()).find(part) != std::string::npos);
    }
  };
  refused([](CubeSpec& s) { s.sizePx = 63; }, "even number");
  refused([](CubeSpec& s) { s.sizePx = 2048; }, "w term");
  refused([](CubeSpec& s) { s.sizePx = 16, s.cellArcsec = 30; }, "smaller pixel");
  refused([](CubeSpec& s) { s.sefdJy = 400; }, "bandwidth");
  refused([](CubeSpec& s) { s.sources = {{70, 3, CurveShape::kGate, 0, 1, 1}}; }, "outside the image");
  refused([](CubeSpec& s) { s.array.antennas.resize(1); }, "2 antennas");
  CHECK_THROWS_AS(simulate::builtInArray("vla", 1), OtfError);
}

TEST_CASE("antenna tables") {
  test::TemporaryFolder folder;
  const auto write = [&](const char* text) {
    std::ofstream(folder / "array.enu") << text;
    return folder / "array.enu";
  };
  const auto array =
      simulate::readAntennaTable(write("# east north up diameter\n0 0 0 12\n100 50 -1 12 # B\n\n"), 47);
  REQUIRE(array.antennas.size() == 2);
  CHECK(array.antennas[1].northM == 50);
  CHECK(array.latitudeDeg == 47);
  CHECK_THROWS_WITH_AS(simulate::readAntennaTable(write("0 0 0 12\n1 2 3\n"), 0), doctest::Contains("line 2"),
                       OtfError);
  CHECK_THROWS_WITH_AS(simulate::readAntennaTable(write("0 0 0 12\n"), 0), doctest::Contains("fewer than 2"),
                       OtfError);
  CHECK_THROWS_WITH_AS(simulate::readAntennaTable(write("0 0 nan 12\n1 1 1 1\n"), 0),
                       doctest::Contains("line 1"), OtfError);
  CHECK_THROWS_WITH_AS(simulate::readAntennaTable(folder / "none", 0), doctest::Contains("cannot be read"),
                       OtfError);
}
