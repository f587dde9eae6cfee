#include "reconstruct/band.h"

#include <string>
#include <utility>

#include "error/error.h"

namespace otf {

Band::Band(CubeReader cubeOfBand, PsfReader psfOfBand)
    : cube(std::move(cubeOfBand)), psf(std::move(psfOfBand)), planes(cube, psf) {}

void Band::begin(const ReconstructorConfig& config, int threads, const std::atomic<bool>* cancelled) {
  channels = std::make_unique<Channels>(planes, config, threads, cancelled);
  sigmas = channels->sigmas();
  psfFwhmPx = channels->psfFwhms();
  blankPixels = channels->blankPixels();
  reconstructed.resize(static_cast<size_t>(planes.pixels() * info().frames));
}

Bands openBands(const CubeSources& sources, std::optional<int> band) {
  Bands out;
  const auto add = [&](CubeReader cube) {
    PsfReader psf = PsfReader::open(sources.psf, cube.info());
    out.push_back(std::make_unique<Band>(std::move(cube), std::move(psf)));
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
