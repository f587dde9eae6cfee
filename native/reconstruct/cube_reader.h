// A cube (t,y,x) of dirty images, frame by frame: one FITS file with an axis of time, or one file per frame.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fits/fits.h"
#include "reconstruct/frame_times.h"
#include "sky/wcs.h"

namespace otf {

struct CubeFile {
  std::string path, label;  // label: what messages call it
};

struct CubeInfo {
  std::string label;
  int64_t width = 0, height = 0;
  int axes[2] = {1, 2};      // the FITS axes (1-based) that are width and height
  double pixelScaleDeg = 0;  // in the middle; 0 = no celestial WCS
  int frames = 0;
  std::string bunit;
  std::string cards;               // of the cube, or of the first image
  std::string timeScale;           // "UTC", ...
  std::vector<double> timesMjd;    // middle of each frame, increasing
  std::vector<double> exposuresS;  // NaN = not known
  double frequencyHz = 0;          // of this band; 0 = not known
  int band = 0, bands = 1;
  std::vector<std::string> warnings;
};

/// Thread-safe. Throws as FitsImage; kCubeInvalid in one line for what is no cube: no axis of time, times out of
/// order or in no century of ours, frames of different grids, one frame.
class CubeReader {
 public:
  /// `band`: which plane of an axis of frequency. One file: a cube. Several: single-epoch images of one grid. `times`: a table
  /// that says when the frames were, in place of their headers and of the cube's own table TIMES.
  static CubeReader open(const std::vector<CubeFile>& files, int band = 0,
                         const std::optional<CubeFile>& times = std::nullopt);

  const CubeInfo& info() const { return info_; }
  const std::optional<Wcs>& wcs() const { return wcs_; }
  /// Pixels of a frame, [height][width]; blank ones are NaN.
  void read(int frame, float* out) const;

 private:
  void takeCube(const FitsInfo& head, int band, std::optional<FrameTimes> times);
  void takeEpochs(const FitsInfo& head, const std::optional<FrameTimes>& times);
  void takeTimes(const FrameTimes& times);

  std::vector<CubeFile> files_;
  std::vector<int64_t> planes_;  // of each frame in its file
  CubeInfo info_;
  std::optional<Wcs> wcs_;
};

}  // namespace otf
