// The cubes a reconstruction leaves: what it made of the sky, and what that does not explain.
#pragma once

#include <string>
#include <vector>

#include "fits/fits.h"
#include "reconstruct/band.h"

namespace otf {

constexpr const char* kReconstructedFile = "reconstructed.fits";
constexpr const char* kResidualFile = "residual.fits";
constexpr const char* kStatisticFile = "snr_max.fits";

/// Written band by band and frame by frame; there when it is finished, or not at all. Throws kOutputUnwritable.
class CubeImages {
 public:
  CubeImages(const std::string& folder, const Bands& bands, double beamPx);
  /// The next frame, in the cube's unit.
  void writeResidual(const float* frame);
  void writeReconstructed(const Band& band);
  void finish();

 private:
  const CubeInfo& cube_;
  FitsImageWriter reconstructed_, residual_;
};

}  // namespace otf
