#include "reconstruct/cube_images.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "reconstruct/output_header.h"

namespace otf {
namespace {

FitsImageWriter writer(const std::string& folder, const char* name, const Bands& bands, double beamPx) {
  const CubeInfo& cube = bands.front()->info();
  std::vector<double> frequencies;
  for (const auto& band : bands) frequencies.push_back(band->info().frequencyHz);
  std::vector<int64_t> further{cube.frames};
  if (bands.size() > 1) further.push_back(static_cast<int64_t>(bands.size()));
  return {(std::filesystem::path(folder) / name).string(), cube.width, cube.height,
          cubeKeys(cube, beamPx, frequencies), further};
}

}  // namespace

CubeImages::CubeImages(const std::string& folder, const Bands& bands, double beamPx)
    : cube_(bands.front()->info()),
      reconstructed_(writer(folder, kReconstructedFile, bands, beamPx)),
      residual_(writer(folder, kResidualFile, bands, 0)) {}

void CubeImages::writeResidual(const float* frame) { residual_.writeRows(frame, cube_.height); }

void CubeImages::writeReconstructed(const Band& band) {
  const int64_t pixels = band.planes.pixels();
  std::vector<float> frame(static_cast<size_t>(pixels));
  for (int t = 0; t < band.info().frames; ++t) {
    const auto sigma = static_cast<float>(band.sigmas[static_cast<size_t>(t)]);
    const auto from = band.reconstructed.begin() + static_cast<std::ptrdiff_t>(t * pixels);
    std::transform(from, from + static_cast<std::ptrdiff_t>(pixels), frame.begin(),
                   [&](float v) { return v * sigma; });
    reconstructed_.writeRows(frame.data(), cube_.height);
  }
}

void CubeImages::finish() {
  for (FitsImageWriter* image : {&reconstructed_, &residual_}) addTimes(cube_, *image);
  residual_.finish();
  reconstructed_.finish();
}

}  // namespace otf
