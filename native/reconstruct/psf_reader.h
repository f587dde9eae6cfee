// The point spread function of each frame: one image for all, or a cube with a plane per frame.
#pragma once

#include <string>
#include <vector>

#include "fits/fits.h"
#include "reconstruct/cube_reader.h"

namespace otf {

/// Of the FWHM of the reconstruction's Gaussian: where psfSidelobes looks.
constexpr double kSidelobesFrom = 1.25, kSidelobesTo = 2.5;

struct PsfInfo {
  std::string label;
  int64_t width = 0, height = 0;
  bool perFrame = false;
  int bands = 1;  // 1 of a cube of several: the same for all
  std::vector<std::string> warnings;
};

/// Thread-safe. Throws as FitsImage; kCubeInvalid for a PSF of the wrong shape, blank, or off centre.
class PsfReader {
 public:
  static PsfReader open(const std::vector<CubeFile>& files, const CubeInfo& cube);
  const PsfInfo& info() const { return info_; }
  /// Onto a plane [height][width] with its peak of 1 at (0,0), wrapped around; what does not fit is cut off. `pixels`:
  /// scratch, used again from call to call.
  void read(int frame, int64_t height, int64_t width, float* out, std::vector<float>& pixels) const;
  /// The same on a plane of `side` pixels, even, of which only those around the peak are read: it is taken to be in the
  /// middle, where read() has found it.
  void readCore(int frame, int64_t side, float* out) const;

 private:
  FitsImage openFrame(int frame) const;

  std::vector<CubeFile> files_;
  std::vector<int64_t> planes_;
  PsfInfo info_;
};

/// FWHM in pixels (geometric mean of both axes) of the Gaussian through the core of a PSF that peaks at (0,0) of a wrapped
/// plane: least squares of the logarithm above 0.35 of the peak. NaN: the core is no peak.
double psfFwhm(const float* plane, int64_t height, int64_t width);

/// Rms of such a PSF at 1.25 to 2.5 of `beamPx` from its peak, where the first sidelobes are, or the plateau of weights that favour
/// short baselines. NaN: the plane does not reach there.
double psfSidelobes(const float* plane, int64_t height, int64_t width, double beamPx);

}  // namespace otf
