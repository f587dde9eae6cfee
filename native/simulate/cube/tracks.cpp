#include "simulate/cube/tracks.h"

#include <cmath>
#include <numbers>

namespace otf::simulate {

Visibility baselineUvw(const Antenna& difference, double latitude, double declination, double hourAngle,
                       double wavelengthM) {
  // Equatorial: X towards the meridian on the equator, Y towards East, Z towards the pole.
  const double x = -std::sin(latitude) * difference.northM + std::cos(latitude) * difference.upM;
  const double y = difference.eastM;
  const double z = std::cos(latitude) * difference.northM + std::sin(latitude) * difference.upM;
  const double sh = std::sin(hourAngle), ch = std::cos(hourAngle);
  const double sd = std::sin(declination), cd = std::cos(declination);
  return {(sh * x + ch * y) / wavelengthM, (-sd * ch * x + sd * sh * y + cd * z) / wavelengthM,
          (cd * ch * x - cd * sh * y + sd * z) / wavelengthM};
}

std::vector<Visibility> frameVisibilities(const AntennaArray& array, const Track& track, int frame) {
  constexpr double kDegree = std::numbers::pi / 180;
  const double latitude = array.latitudeDeg * kDegree, declination = track.declinationDeg * kDegree;
  const int count = static_cast<int>(array.antennas.size());
  const double instants = double(track.snapshots) * track.frames;
  std::vector<Visibility> out;
  out.reserve(static_cast<size_t>(track.snapshots) * track.wavelengthsM.size() *
              static_cast<size_t>(count * (count - 1) / 2));
  for (int snapshot = 0; snapshot < track.snapshots; ++snapshot) {
    const double place = (snapshot + 0.5 + double(track.snapshots) * frame) / instants - 0.5;
    const double hourAngle = (track.middleHourAngleDeg + place * track.spanDeg) * kDegree;
    for (const double wavelength : track.wavelengthsM) {
      for (int i = 0; i < count; ++i) {
        for (int j = i + 1; j < count; ++j) {
          const Antenna &a = array.antennas[static_cast<size_t>(i)],
                        &b = array.antennas[static_cast<size_t>(j)];
          const Antenna difference{a.eastM - b.eastM, a.northM - b.northM, a.upM - b.upM, 0};
          Visibility it = baselineUvw(difference, latitude, declination, hourAngle, wavelength);
          it.first = i;
          it.second = j;
          out.push_back(it);
        }
      }
    }
  }
  return out;
}

}  // namespace otf::simulate
