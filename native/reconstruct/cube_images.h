// The cubes a reconstruction leaves: what it made of the sky, and what that does not explain.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "fits/fits.h"
#include "reconstruct/band.h"

namespace otf {

constexpr const char* kReconstructedFile = "reconstructed.fits";
constexpr const char* kResidualFile = "residual.fits";
constexpr const char* kStatisticFile = "snr_max.fits";

/// Written band by band and frame by frame; there when they are finished, or not at all. Two threads may write at once: one the
/// residual, one all else. Throws kOutputUnwritable.
class CubeImages {
 public:
  CubeImages(const std::string& folder, const Bands& bands, double beamPx);
  /// The next frame, in the cube's unit.
  void writeResidual(const float* frame);
  /// Of all bands, and the map of the statistic: to the disk, without their names. Throws kCancelled, too.
  void writeReconstructed(const std::vector<float>& statistic, const std::atomic<bool>* cancelled);
  /// The names of the files that are there then.
  std::vector<std::string> finish();

 private:
  const Bands& bands_;
  const CubeInfo& cube_;
  FitsImageWriter reconstructed_, residual_, statistic_;
};

}  // namespace otf
