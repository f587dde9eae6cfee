// Which planes of a FITS file are the frames of a cube, and when they were.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fits/fits.h"

namespace otf {

/// Frames of one band: planes of the file as FitsSelect counts them, and MJD of their middles.
struct CubeAxes {
  std::vector<int64_t> planes;
  std::vector<double> timesMjd;  // empty: a table tells them
  std::string timeScale;
  double exposureS = 0;  // NaN = not known
  double frequencyHz = 0;
  int bands = 1;
  std::vector<std::string> warnings;  // one line each, without the label
};

/// By CTYPEn: TIME (or a time scale's name, FITS Standard 4.0 section 9.2.1) is time, FREQ is bands, an axis of length 1 is
/// passed over. Linear in time and frequency: linear_axis.h, CUNIT, and MJDREF or its relatives. `rows`: times come from a table of
/// so many; an axis as long without a CTYPE is time then. Throws kCubeInvalid.
CubeAxes readCubeAxes(const FitsInfo& info, int band, std::optional<int64_t> rows = std::nullopt);

/// Planes of a PSF for the frames of a band, or one plane for all of them.
struct PsfAxes {
  std::vector<int64_t> planes;
  int bands = 1;
  bool perFrame = false;
};

/// As readCubeAxes, but that neither axis need be there. `frames`: of the cube.
PsfAxes readPsfAxes(const FitsInfo& info, int band, int64_t frames);

/// Hz, of the first plane of an axis of frequency, else RESTFRQ; 0 = neither is there. Throws kCubeInvalid for a unit of no
/// frequency.
double frequencyOf(const FitsInfo& info, std::vector<std::string>& warnings);

struct Epoch {
  double mjd = 0, exposureS = 0;  // NaN = not known
  std::string timeScale;
  bool isStart = false;  // of the exposure, whose length nobody told: not its middle
};

/// Of a single-epoch image: MJD-AVG, DATE-AVG, the middle of MJD-BEG and MJD-END (DATE-BEG, DATE-END), or MJD-OBS (DATE-OBS) and half of its
/// exposure. Throws kCubeInvalid when the header tells no time.
Epoch readEpoch(const FitsInfo& info);

}  // namespace otf
