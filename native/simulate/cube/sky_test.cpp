// What a simulated sky may have beside points: an extended blob, a primary beam.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <utility>
#include <vector>

#include "simulate/cube/cube.h"

using namespace otf;
using simulate::CurveShape;

namespace {

constexpr int64_t kSide = 32;

CubeSpec noiseFree() {
  CubeSpec spec;
  spec.array = simulate::builtInArray("core-halo", 7);
  spec.sizePx = kSide;
  spec.frames = 4;
  spec.noiseJyBeam = 0;
  spec.sources.emplace();
  return spec;
}

}  // namespace

TEST_CASE("an extended blob has its flux in the truth, and goes through the PSF") {
  CubeSpec spec = noiseFree();
  spec.extendedJy = 3;
  const CubeFrame frame = CubeObservation(spec).frame(1);
  const double beam = spec.beamPx / 2.3548200450309493, area = 2 * std::numbers::pi * beam * beam;
  double sum = 0;
  for (const float v : frame.truth) sum += double(v) / area;
  CHECK(sum == doctest::Approx(3).epsilon(0.01));
  // The sum over the blob's pixels of the PSF, each weighed with the flux it has.
  const double sigma = double(kSide) / 12;
  const auto blob = [&](int64_t d) { return std::exp(-0.5 * double(d * d) / sigma / sigma); };
  double norm = 0;
  for (int64_t d = -kSide / 2; d < kSide / 2; ++d) norm += blob(d);
  const auto expected = [&](int64_t x, int64_t y) {
    double out = 0;
    for (int64_t j = 0; j < kSide; ++j) {
      for (int64_t i = 0; i < kSide; ++i)
        out += 3 * blob(j - kSide / 2) * blob(i - kSide / 2) / norm / norm *
               double(frame.psf[size_t((kSide + y - j) * 2 * kSide + kSide + x - i)]);
    }
    return out;
  };
  const float most = *std::max_element(frame.dirty.begin(), frame.dirty.end());
  for (const auto& [x, y] : {std::pair{16, 16}, {12, 20}, {25, 9}})
    CHECK(std::abs(double(frame.dirty[size_t(y * kSide + x)]) - expected(x, y)) < 2e-3 * double(most));
}

TEST_CASE("a primary beam leaves half of a source at half its width, and all of one in the middle") {
  CubeSpec spec = noiseFree();
  spec.array = {"four", -30, {{0, 0, 0, 13.5}, {90, 20, 0, 13.5}, {-30, 80, 0, 13.5}, {40, -60, 0, 13.5}}};
  spec.cellArcsec = 150;
  spec.primaryBeam = true;
  const double fwhm = 1.2 * 299.792458 / spec.frequencyMHz / 13.5;  // rad
  const double half = fwhm / 2 / (150 * std::numbers::pi / 180 / 3600);
  spec.sources = {{16 + half, 16, CurveShape::kSteady, 0, 1, 2.0}, {16, 16, CurveShape::kSteady, 0, 1, 2.0}};
  const CubeObservation observation(spec);
  CHECK(observation.sources()[0].attenuation == doctest::Approx(0.5).epsilon(1e-6));
  CHECK(observation.sources()[0].fluxJy[2] == doctest::Approx(1).epsilon(1e-6));
  CHECK(observation.sources()[1].fluxJy[2] == doctest::Approx(2).epsilon(1e-6));
  spec.primaryBeam = false;
  CHECK(CubeObservation(spec).sources()[0].fluxJy[2] == 2);
}
