#include "reconstruct/cube_images.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "error/error.h"
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
    : bands_(bands),
      cube_(bands.front()->info()),
      reconstructed_(writer(folder, kReconstructedFile, bands, beamPx)),
      residual_(writer(folder, kResidualFile, bands, 0)),
      statistic_((std::filesystem::path(folder) / kStatisticFile).string(), cube_.width, cube_.height,
                 mapKeys(cube_)) {}

void CubeImages::writeResidual(const float* frame) { residual_.writeRows(frame, cube_.height); }

void CubeImages::writeReconstructed(const std::vector<float>& statistic, const std::atomic<bool>* cancelled) {
  const int64_t pixels = cube_.width * cube_.height;
  std::vector<float> frame(static_cast<size_t>(pixels));
  for (const auto& band : bands_) {
    for (int t = 0; t < cube_.frames; ++t) {
      if (cancelled && *cancelled) throw OtfError(Code::kCancelled, "stopped on request");
      const auto sigma = static_cast<float>(band->sigmas[static_cast<size_t>(t)]);
      const auto from = band->reconstructed.begin() + static_cast<std::ptrdiff_t>(t * pixels);
      std::transform(from, from + static_cast<std::ptrdiff_t>(pixels), frame.begin(),
                     [&](float v) { return v * sigma; });
      reconstructed_.writeRows(frame.data(), cube_.height);
    }
  }
  addTimes(cube_, reconstructed_);
  reconstructed_.settle();
  statistic_.writeRows(statistic.data(), cube_.height);
  statistic_.settle();
}

std::vector<std::string> CubeImages::finish() {
  addTimes(cube_, residual_);
  for (FitsImageWriter* image : {&residual_, &reconstructed_, &statistic_}) image->finish();
  return {kReconstructedFile, kResidualFile, kStatisticFile};
}

}  // namespace otf
