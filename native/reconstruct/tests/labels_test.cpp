// Steady, variable or transient: draws of light curves with fixed seeds.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <numbers>
#include <vector>

#include "reconstruct/catalogue_row.h"

using namespace otf;

namespace {

/// The same numbers everywhere: a 64-bit linear congruential generator and Box-Muller.
class Draws {
 public:
  explicit Draws(uint64_t seed) : state_(seed) {}
  double normal() {
    const double radius = std::sqrt(-2 * std::log(uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  double uniform() {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return (double(state_ >> 11) + 0.5) / 9007199254740992.0;
  }
  uint64_t state_;
};

using Curve = std::function<double(int)>;

/// Fluxes in units of their errors.
MeasuredSource drawn(int frames, const Curve& curve, Draws& draws) {
  MeasuredSource it;
  for (int t = 0; t < frames; ++t) {
    it.flux.push_back(curve(t) + draws.normal());
    it.fluxError.push_back(1);
    it.fluxRec.push_back(curve(t));
  }
  return it;
}

int labelled(SourceLabel label, int count, int frames, const Curve& curve) {
  Draws draws(11);
  int out = 0;
  for (int i = 0; i < count; ++i) {
    const MeasuredSource it = drawn(frames, curve, draws);
    if (labelOf(it, variabilityOf(it.flux, it.fluxError)) == label) ++out;
  }
  return out;
}

}  // namespace

TEST_CASE("steady sources are labelled otherwise in one of a thousand, whatever the number of frames") {
  for (const int frames : {2, 5, 32, 256}) {
    CAPTURE(frames);
    // 5 are to be expected at most: 16 are 5 deviations above that.
    CHECK(labelled(SourceLabel::kSteady, 5000, frames, [](int) { return 5; }) >= 5000 - 16);
  }
}

TEST_CASE("a transient of a few frames is one, among few frames and among many") {
  for (const int frames : {32, 256}) {
    CAPTURE(frames);
    const int middle = frames / 3;
    const auto gate = [=](int t) { return t >= middle && t < middle + 3 ? 5.0 : 0.0; };
    const auto decay = [=](int t) { return t < middle ? 0 : 5 * std::exp((middle - t) / 3.0); };
    CHECK(labelled(SourceLabel::kTransient, 200, frames, gate) >= 190);
    CHECK(labelled(SourceLabel::kTransient, 200, frames, decay) >= 180);
    // What dims but is never gone.
    const auto dip = [=](int t) { return t >= middle && t < middle + 4 ? 5.0 : 10.0; };
    CHECK(labelled(SourceLabel::kVariable, 200, frames, dip) >= 190);
  }
}

TEST_CASE("runs that differ are seen where the whole does not show them, with the runs there are counted") {
  std::vector<double> flux(256, 5), error(256, 1);
  for (size_t t = 0; t < flux.size(); ++t) flux[t] += t % 2 == 0 ? 1 : -1;  // eta is 1
  const Variability even = variabilityOf(flux, error);
  CHECK(even.pRun == 1);
  for (size_t t = 100; t < 104; ++t) flux[t] += 4;
  const Variability run = variabilityOf(flux, error);
  CHECK(run.pConstant > 1e-3);
  // Those four have a mean of 9, the others of 5: 4 / sqrt(1/4 + 1/252) errors, once in 1801 runs.
  const double errors = 4 / std::sqrt(1.0 / 4 + 1.0 / 252);
  CHECK(run.pRun == doctest::Approx(1801 * std::erfc(errors / std::numbers::sqrt2)).epsilon(1e-6));
  // What was not measured is no run.
  flux[101] = std::numeric_limits<double>::quiet_NaN();
  CHECK(variabilityOf(flux, error).pRun < 1e-4);
  const std::vector<double> two = {1, 9}, errors2 = {1, 1};
  CHECK(variabilityOf(two, errors2).pRun == doctest::Approx(2 * std::erfc(4)).epsilon(1e-9));
}

TEST_CASE("a duration ends with the night, and frames of even spacing last for a step each") {
  std::vector<double> nights;
  for (int t = 0; t < 32; ++t) nights.push_back(60000 + t / 16 * 10 + t % 16 * 900 / 86400.0);
  const std::vector<double> seconds = frameSeconds(nights);
  CHECK(seconds[0] == doctest::Approx(900));
  CHECK(seconds[7] == doctest::Approx(900));
  CHECK(seconds[15] == doctest::Approx(900));
  CHECK(seconds[16] == doctest::Approx(900));
  CHECK(frameSeconds({60000, 60001})[1] == doctest::Approx(86400));
  // Closer together than most: only to the middle of the way.
  CHECK(frameSeconds({0, 1, 1.5, 2.5, 3.5})[1] == doctest::Approx(0.75 * 86400));
  MeasuredSource it;
  for (int t = 0; t < 32; ++t) {
    it.flux.push_back(0);
    it.fluxError.push_back(1);
    it.fluxRec.push_back(t >= 14 && t < 18 ? 8 : 1);
  }
  CHECK(catalogueRow(it, {4, 1, seconds}).durationS == doctest::Approx(3600));
}

TEST_CASE("the error of a peak is that of the reconstruction, in the noise of its frame") {
  MeasuredSource it;
  it.flux = {1, 7, 2};
  it.fluxError = {1, 2, 1};
  it.fluxRec = {1, 6, 2};
  const std::vector<double> seconds(3, 10);
  CHECK(catalogueRow(it, {4, 0.34, seconds}).peakFluxError == doctest::Approx(0.68));
  CHECK(catalogueRow(it, {4, 1, seconds}).peakFluxError == 2);
}
