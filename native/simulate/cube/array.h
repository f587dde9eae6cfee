// Antenna arrays: where dishes or stations stand.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace otf::simulate {

/// Metres in the local frame of the array's centre: towards East, North, and up.
struct Antenna {
  double eastM = 0, northM = 0, upM = 0, diameterM = 0;
};

struct AntennaArray {
  std::string name;
  double latitudeDeg = 0;
  std::vector<Antenna> antennas;
};

/// `meerkat-like`: 64 dishes of 13.5 m, 45 in a core of 1 km and 19 out to 4 km, latitude -30.713. `nenufar-like`: 96
/// stations of 25 m in 400 m and 6 out to 3 km, latitude 47.376. `core-halo`: 45 and 19 dishes of 13.5 m in Gaussians of
/// 300 m and 1800 m, drawn by `seed`, latitude -30.713. None has the positions of a real array.
/// Throws kInvalidArgument for another name.
AntennaArray builtInArray(std::string_view name, uint64_t seed);

/// A text file: one antenna a line, `east north up diameter` in metres; '#' begins a comment. 2 to 1024 antennas.
/// Throws kInvalidArgument naming the line.
AntennaArray readAntennaTable(const std::string& path, double latitudeDeg);

}  // namespace otf::simulate
