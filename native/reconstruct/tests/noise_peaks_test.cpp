// How many of the peaks are noise.
#include "reconstruct/noise_peaks.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "reconstruct/peaks.h"
#include "reconstruct/tests/simulated.h"

using namespace otf;
using test::Run;
using test::spec;

namespace {

/// `side`^2 peaks, 3 pixels apart, whose squares above 9 are exponential: quantiles, no draws.
std::vector<float> quantileMap(int64_t side, double rate) {
  const int64_t width = 3 * side, count = side * side;
  std::vector<float> map(size_t(width * width));
  for (int64_t i = 0; i < count; ++i) {
    // An order in which neighbours are far from each other.
    const int64_t at = i * 7919 % count;
    const double part = (double(i) + 0.5) / double(count);
    map[size_t((3 * (at / side) + 1) * width + 3 * (at % side) + 1)] =
        float(std::sqrt(9 - std::log(part) / rate));
  }
  return map;
}

}  // namespace

TEST_CASE("peaks of noise are counted below the level that few of them reach") {
  const int64_t side = 100, width = 3 * side;
  std::vector<float> map = quantileMap(side, 0.25);
  const NoisePeaks noise = noisePeaks(map, width, width, width * width * 32);
  CHECK(noise.isMeasured);
  // 10000 exp(-0.25 (25 - 9)) = 183 above 5, where the card has 2.2: the level is where there are as many.
  const double expected = 0.1 * double(width * width * 32) / (64 * 64 * 32);
  CHECK(noise.above(5) == doctest::Approx(expected).epsilon(0.02));
  CHECK(noise.scale == doctest::Approx(std::sqrt(9 + std::log(1e4 / expected) / 0.25) / 5).epsilon(0.02));
  // Sources above it change nothing.
  for (int64_t i = 0; i < 50; ++i) map[size_t(6 * i * width + 6 * i)] = 100;
  CHECK(noisePeaks(map, width, width, width * width * 32).scale ==
        doctest::Approx(noise.scale).epsilon(0.01));
  // A quiet cube keeps the SNR of the card, and is told how few to expect.
  const NoisePeaks quiet = noisePeaks(quantileMap(side, 0.6), width, width, width * width * 3200);
  CHECK(quiet.scale == 1);
  CHECK(quiet.above(5) < 2);
  CHECK(quiet.isMeasured);
  for (const double peaks : {0.1, 1.0, 30.0})
    CHECK(noise.above(noise.snrOf(peaks)) == doctest::Approx(peaks));
}

TEST_CASE("where there are too few peaks for it, the card's are expected") {
  const std::vector<float> map(64 * 64);
  const NoisePeaks noise = noisePeaks(map, 64, 64, 64 * 64 * 64);
  CHECK(!noise.isMeasured);
  CHECK(noise.scale == 1);
  CHECK(noise.above(5) == doctest::Approx(0.2));
  CHECK(noise.above(6) < 0.1 * noise.above(5));
}

TEST_CASE("cubes of noise alone have as many peaks as they are said to, whatever their number of frames") {
  double expected = 0, found = 0;
  for (const int frames : {32, 160}) {
    for (const uint64_t seed : {1U, 2U}) {
      CubeSpec it = spec(96, frames);
      it.hours = frames / 32.0;  // 112 s a frame
      it.transients = it.steady = 0;
      it.seed = seed;
      const Run cube(it);
      ReconstructRequest request;
      request.thresholdSnr = 4.6;
      const auto task = cube.task(test::demoReconstructor(), request);
      cube.run(*task);
      const Reconstruction& result = task->result();
      REQUIRE(result.noisePeaks.has_value());
      expected += result.noisePeaks.value_or(0);
      found += double(result.sources.size());
      if (frames == 160) CHECK(result.snrDivisor > 1.1);
    }
  }
  MESSAGE("expected ", expected, ", found ", found);
  CHECK(found > 3);
  CHECK(found < 1.5 * expected);
  CHECK(expected < 1.5 * found);
}

TEST_CASE("peaks of noise take nothing from the fluxes of sources beside them, however many are asked for") {
  CubeSpec it = spec(96, 96);
  it.hours = 3;
  it.seed = 3;
  it.sources.emplace();
  for (int k = 0; k < 8; ++k) {
    const double x = 15.2 + 22.3 * (k % 4), y = k < 4 ? 24.7 : 69.8;
    it.sources->push_back(k < 6 ? PlacedSource{x, y, simulate::CurveShape::kSteady, 0, 1, 5e-3}
                                : PlacedSource{x, y, simulate::CurveShape::kGate, 40, 6, 5e-3});
  }
  const Run cube(it);
  for (const double threshold : {3.0, 5.0}) {
    CAPTURE(threshold);
    ReconstructRequest request;
    request.thresholdSnr = threshold;
    const auto task = cube.task(test::demoReconstructor(), request);
    cube.run(*task);
    double sum = 0, squares = 0, count = 0;
    for (const CubeSource& truth : cube.truth.sources) {
      const auto& all = task->result().sources;
      const auto source = std::find_if(all.begin(), all.end(), [&](const ReconstructedSource& s) {
        return std::hypot(s.measured.x - truth.placed.x, s.measured.y - truth.placed.y) < 1;
      });
      REQUIRE(source != all.end());
      for (size_t t = 0; t < truth.fluxJy.size(); ++t) {
        const double pull = (source->measured.flux[t] - truth.fluxJy[t]) / source->measured.fluxError[t];
        sum += pull;
        squares += pull * pull;
        count += 1;
      }
    }
    const double mean = sum / count, width = std::sqrt(squares / count - mean * mean);
    MESSAGE("threshold ", threshold, ": ", task->result().sources.size(), " sources, ",
            task->result().noisePeaks.value_or(0), " expected of noise, pulls ", mean, " +- ", width);
    // Of 768 values the mean is good to 0.04.
    CHECK(std::abs(mean) < 0.15);
    CHECK(width > 0.9);
    CHECK(width < 1.1);
  }
}
