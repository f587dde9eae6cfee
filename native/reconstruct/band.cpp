#include "reconstruct/band.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "error/error.h"
#include "reconstruct/static_sky.h"

namespace otf {

namespace {

CubeReader openTruth(const CubeFile& file, const CubeInfo& cube) {
  CubeReader truth = CubeReader::open({file}, cube.band);
  const CubeInfo& info = truth.info();
  const auto shape = [](const CubeInfo& of) {
    return std::to_string(of.width) + "x" + std::to_string(of.height) + "x" + std::to_string(of.frames) +
           (of.bands > 1 ? " in " + std::to_string(of.bands) + " bands" : "");
  };
  if (shape(info) != shape(cube)) {
    throw OtfError(Code::kCubeInvalid, "truth " + info.label + ": it is a cube of " + shape(info) + ", " +
                                           cube.label + " one of " + shape(cube));
  }
  if (info.bunit != cube.bunit) {
    throw OtfError(Code::kCubeInvalid, "truth " + info.label + ": its unit is " + info.bunit + ", that of " +
                                           cube.label + " is " + cube.bunit);
  }
  return truth;
}

}  // namespace

Band::Band(CubeReader cubeOfBand, PsfReader psfOfBand, std::optional<CubeReader> truthOfBand)
    : cube(std::move(cubeOfBand)),
      psf(std::move(psfOfBand)),
      truth(std::move(truthOfBand)),
      planes(cube, psf) {}

void Band::begin(const ReconstructorConfig& config, StaticPart part, int threads,
                 const std::atomic<bool>* cancelled) {
  if (part == StaticPart::kMeanClean)
    planes.takeAway(std::make_shared<StaticSky>(planes, config.beamPx, threads, cancelled));
  channels = std::make_unique<Channels>(planes, config, threads, cancelled);
  sigmas = channels->sigmas();
  psfFwhmPx = channels->psfFwhms();
  psfSidelobes = channels->psfSidelobes();
  blankPixels = channels->blankPixels();
  reconstructed.resize(static_cast<size_t>(planes.pixels() * info().frames));
}

void Band::restoreStatic() {
  if (!planes.staticSky()) return;
  const std::vector<float>& image = planes.staticSky()->image();
  const int64_t pixels = planes.pixels();
  for (int t = 0; t < info().frames; ++t) {
    const auto scale = static_cast<float>(1 / sigmas[static_cast<size_t>(t)]);
    float* frame = reconstructed.data() + t * pixels;
    for (int64_t p = 0; p < pixels; ++p) frame[p] += image[static_cast<size_t>(p)] * scale;
  }
}

Bands openBands(const CubeSources& sources, std::optional<int> band) {
  Bands out;
  const auto add = [&](CubeReader cube) {
    PsfReader psf = PsfReader::open(sources.psf, cube.info());
    std::optional<CubeReader> truth;
    if (sources.truth) truth = openTruth(*sources.truth, cube.info());
    out.push_back(std::make_unique<Band>(std::move(cube), std::move(psf), std::move(truth)));
  };
  CubeReader first = CubeReader::open(sources.cube, band.value_or(0), sources.times);
  const int bands = band ? 1 : first.info().bands;
  if (bands > kMostBands) {
    throw OtfError(Code::kCubeInvalid, first.info().label + " has " + std::to_string(bands) +
                                           " bands, at most " + std::to_string(kMostBands) +
                                           " are reconstructed at once: choose one");
  }
  add(std::move(first));
  for (int other = 1; other < bands; ++other) add(CubeReader::open(sources.cube, other, sources.times));
  return out;
}

}  // namespace otf
