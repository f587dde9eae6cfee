// Which planes of a FITS file are the frames of a cube, and when they were.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fits/fits.h"

namespace otf {

/// Frames of one band: planes of the file as FitsSelect counts them, and MJD of their middles.
struct CubeAxes {
  std::vector<int64_t> planes;
  std::vector<double> timesMjd;
  std::string timeScale;
  double exposureS = 0;  // NaN = not known
  double frequencyHz = 0;
  int bands = 1;
};

/// By CTYPEn: TIME (or a time scale's name, FITS Standard 4.0 section 9.2.1) is time, FREQ is bands, an axis of length 1 is
/// passed over. Linear in time: CRVAL, CRPIX, CDELT, CUNIT, and MJDREF or its relatives. Throws kCubeInvalid.
CubeAxes readCubeAxes(const FitsInfo& info, int band);

/// Of a single-epoch image: MJD-AVG, or MJD-BEG and MJD-END, or DATE-AVG, or the middle of DATE-OBS and its exposure.
/// Throws kCubeInvalid when the header tells no time.
double readEpoch(const FitsInfo& info, double* exposureS, std::string* timeScale);

/// Days of an ISO-8601 date as FITS writes it. NaN = none.
double mjdOfDate(const std::string& text);

}  // namespace otf
