// Against the reference simulator and evaluation in Python (numpy 1.24, scipy 1.10): test/fixtures/reconstruct/README.md says how
// the arrays were made.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "reconstruct/clean.h"
#include "reconstruct/components.h"
#include "reconstruct/tests/fixtures.h"
#include "reconstruct/variability.h"
#include "tensor/npy.h"

using namespace otf;

namespace {

std::vector<float> load(const std::string& name) {
  const NpyArray array(std::string(OTF_FIXTURES) + "/reconstruct/" + name + ".npy");
  return {array.data(), array.data() + array.count()};
}

struct Cube {
  test::TemporaryFolder folder;
  CubeReader cube;
  PsfReader psf;
  CubePlanes planes;
  Cube()
      : cube((test::writeCube(folder / "dirty.fits", 16, load("dirty"), test::cubeHeader(9)),
              test::writeCube(folder / "psf.fits", 32, load("psf"), test::cubeHeader(17)),
              CubeReader::open({{folder / "dirty.fits", "dirty"}}))),
        psf(PsfReader::open({{folder / "psf.fits", "psf"}}, cube.info())),
        planes(cube, psf) {}
};

double worst(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(double(a[i]) - double(b[i])));
  return most;
}

}  // namespace

TEST_CASE("channels are those of the reference, whatever the threads and however they are asked for") {
  const Cube it;
  const std::vector<double> unit(8, 1.0);
  const std::vector<float> expected = load("channels");
  for (const int threads : {1, 3}) {
    Channels channels(it.planes, test::demoReconstructor(), threads, nullptr, unit);
    std::vector<float> whole(kFrameChannels * 8 * 256);
    channels.make(0, 8, whole.data(), 8 * 256);
    // Of a noise of 1.
    for (int t = 0; t < 8; ++t) whole.insert(whole.end(), channels.all().begin(), channels.all().end());
    CHECK(worst(whole, expected) < 2e-5 * 8);  // of the largest value
  }
  Channels whole(it.planes, test::demoReconstructor(), 2, nullptr, unit),
      parts(it.planes, test::demoReconstructor(), 1, nullptr, unit);
  std::vector<float> all(kFrameChannels * 8 * 256), piece(all.size() / 2);
  whole.make(0, 8, all.data(), 8 * 256);
  for (int first : {0, 4}) {
    parts.make(first, 4, piece.data(), 4 * 256);
    for (size_t c = 0; c < kFrameChannels; ++c) {
      for (size_t i = 0; i < 4 * 256; ++i)
        CHECK(piece[c * 4 * 256 + i] == all[(c * 8 + size_t(first)) * 256 + i]);
    }
  }
}

TEST_CASE("CLEAN, smoothing and the filter bank are those of the reference") {
  const Cube it;
  std::vector<float> cube = load("dirty");
  const PlaneTransform& transform = it.planes.transform();
  PlaneScratch scratch(transform);
  for (int t = 0; t < 8; ++t) {
    it.planes.readPsf(t, scratch);
    cleanFrame(cube.data() + t * 256, 16, 16, scratch.plane.floats(), transform.height(), transform.width(),
               {});
  }
  CHECK(worst(cube, load("clean")) < 1e-3);
  const std::vector<float> bank = filterBank(cube.data(), 8, 256);
  const std::vector<float> expected = load("bank");
  // The reference scales by the integral of the squared Gaussian, this by its sum.
  for (size_t i = 0; i < bank.size(); ++i)
    CHECK(std::abs(bank[i] - expected[i]) < 0.02F * std::abs(expected[i]) + 1e-3F);
  smoothInTime(cube.data(), 8, 256, 1.5, 2);
  CHECK(worst(cube, load("smooth")) < 1e-3);
}

TEST_CASE("a PSF between pixels is the sum over its uv plane") {
  const Cube it;
  const PlaneTransform& transform = it.planes.transform();
  PlaneScratch scratch(transform);
  it.planes.readPsf(0, scratch);
  const auto at = [&](double dx, double dy) {
    return PointWeights(dx, dy).sample(scratch.plane.floats(), transform.height(), transform.width());
  };
  CHECK(at(0.3, -0.4) == doctest::Approx(0.889134115198464).epsilon(2e-3));
  CHECK(at(0.5, 0.5) == doctest::Approx(0.8702585753200105).epsilon(2e-3));
  CHECK(at(0, 0) == doctest::Approx(1).epsilon(1e-5));
}

TEST_CASE("sidelobes are those of a ring in units of the beam") {
  std::vector<float> plane(64 * 48);
  plane[0] = 1;
  CHECK(psfSidelobes(plane.data(), 48, 64, 3.2) == 0);
  // On both sides of the wrapped plane, at 4 to 8 pixels; what is nearer or further does not count.
  for (int64_t y = 0; y < 48; ++y) {
    for (int64_t x = 0; x < 64; ++x) {
      const double away = std::hypot(double(std::min(x, 64 - x)), double(std::min(y, 48 - y)));
      plane[size_t(y * 64 + x)] = away < 4 || away > 8 ? 1.0F : y < 24 ? 0.3F : -0.3F;
    }
  }
  CHECK(psfSidelobes(plane.data(), 48, 64, 3.2) == doctest::Approx(0.3).epsilon(1e-6));
  CHECK(psfSidelobes(plane.data(), 48, 64, 2.2) > 0.5);
  CHECK(std::isnan(psfSidelobes(plane.data(), 4, 4, 3.2)));
}

TEST_CASE("variability is that of scipy") {
  CHECK(chiSquareSurvival(3.5, 1) == doctest::Approx(0.0613688291394023).epsilon(1e-9));
  CHECK(chiSquareSurvival(12.1, 4) == doctest::Approx(0.016622927145756142).epsilon(1e-9));
  CHECK(chiSquareSurvival(40, 31) == doctest::Approx(0.12904034912939039).epsilon(1e-9));
  CHECK(chiSquareSurvival(300, 255) == doctest::Approx(0.02772752205390483).epsilon(1e-9));
  CHECK(chiSquareSurvival(60, 32) == doctest::Approx(0.0019474797778723041).epsilon(1e-9));
  CHECK(chiSquareSurvival(0, 5) == 1);
  CHECK(chiSquareSurvival(1e6, 7) == 0);
  const std::vector<double> flux{1, 2, 1.5, 4, 0.5}, error{0.5, 0.4, 0.5, 0.6, 0.5};
  const Variability it = variabilityOf(flux, error);
  CHECK(it.v == doctest::Approx(0.7505142270059053).epsilon(1e-9));
  CHECK(it.eta == doctest::Approx(5.784015852047557).epsilon(1e-9));
  CHECK(it.pConstant == doctest::Approx(0.00011894191651296516).epsilon(1e-8));
  const std::vector<double> faint{0.1, -0.2, 0.3, 0.1, -0.1};
  CHECK(std::isnan(variabilityOf(faint, error).v));
  const std::vector<double> one{1, std::nan(""), std::nan(""), std::nan(""), std::nan("")};
  CHECK(std::isnan(variabilityOf(one, error).eta));
}
