// Baselines in the uv plane while the Earth turns.
// Source: Thompson, Moran & Swenson, Interferometry and Synthesis in Radio Astronomy, section 4.1.
#pragma once

#include <vector>

#include "simulate/cube/array.h"

namespace otf::simulate {

/// One baseline at one instant and frequency; wavelengths.
struct Visibility {
  double u = 0, v = 0, w = 0;
  int first = 0, second = 0;  // antennas
};

/// Of a baseline given in metres East, North, up, for a source of this declination at this hour angle (radians).
Visibility baselineUvw(const Antenna& difference, double latitude, double declination, double hourAngle,
                       double wavelengthM);

struct Track {
  double declinationDeg = 0;
  double middleHourAngleDeg = 0, spanDeg = 120;  // of the whole observation; 120 degrees are 8 hours
  int frames = 1, snapshots = 1;                 // evenly over the span; snapshots per frame
  std::vector<double> wavelengthsM;
};

/// Every pair of antennas (first < second) at every snapshot and wavelength of a frame, in a fixed order.
std::vector<Visibility> frameVisibilities(const AntennaArray& array, const Track& track, int frame);

}  // namespace otf::simulate
