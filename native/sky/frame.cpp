#include "sky/frame.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numbers>

#include "error/error.h"
#include "sky/wcs_cards.h"

namespace otf::sky {
namespace {

constexpr double kDegree = std::numbers::pi / 180;
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

// ICRS to galactic, as in SOFA's iauIcrs2g: The Hipparcos and Tycho Catalogues, ESA SP-1200, volume 1,
// section 1.5.3 (pole 192.85948, +27.12825; node 32.93192 degrees). Rows: the galactic axes in ICRS.
constexpr std::array<Vector3, 3> kIcrsToGalactic = {{
    {-0.054875560416215368492398900454, -0.873437090234885048760383168409, -0.483835015548713226831774175116},
    {+0.494109427875583673525222371358, -0.444829629960011178146614061616, +0.746982244497218890527388004556},
    {-0.867666149019004701181616534570, -0.198076373431201528180486091412, +0.455983776175066922272100478348},
}};

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

}  // namespace

Vector3 unitVector(double lonDeg, double latDeg) {
  const double lon = lonDeg * kDegree, lat = latDeg * kDegree;
  return {std::cos(lat) * std::cos(lon), std::cos(lat) * std::sin(lon), std::sin(lat)};
}

SkyPosition positionOf(const Vector3& v) {
  double lon = std::atan2(v[1], v[0]) / kDegree;
  if (lon < 0) lon += 360;
  if (lon >= 360) lon -= 360;
  return {lon, std::atan2(v[2], std::hypot(v[0], v[1])) / kDegree};
}

SkyPosition galacticToIcrs(double lonDeg, double latDeg) {
  const Vector3 from = unitVector(lonDeg, latDeg);
  Vector3 to{};
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) to[i] += kIcrsToGalactic[j][i] * from[j];
  }
  return positionOf(to);
}

SkyPosition icrsToGalactic(SkyPosition position) {
  const Vector3 from = unitVector(position.raDeg, position.decDeg);
  Vector3 to{};
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) to[i] += kIcrsToGalactic[i][j] * from[j];
  }
  return positionOf(to);
}

SkyFrame frameOf(const std::string& axis, const std::string& radesys, std::optional<double> equinox,
                 std::vector<std::string>& warnings) {
  if (axis == "GLON") return {"ICRS", 0, "GLON/GLAT"};
  if (axis != "RA") {
    throw OtfError(Code::kWcsInvalid, "celestial axes of type " + axis +
                                          " are not supported: equatorial or galactic ones are needed");
  }
  const auto isYear = [](double year) { return year > 1000 && year < 3000; };
  double year = equinox.value_or(kUnknown);
  if (equinox && !isYear(year)) {
    char text[60];
    std::snprintf(text, sizeof text, "EQUINOX = %g is not a year: it is left out", year);
    warnings.emplace_back(text);
    year = kUnknown;
  }
  std::string system = upper(radesys);
  // Some write the equinox behind the system, or in its place. FK4-NO-E differs from FK4 by the E-terms of aberration, 0.34
  // arcsec at most.
  if (system.starts_with("FK5")) system = "FK5";
  if (system.starts_with("FK4")) system = "FK4";
  if (system.starts_with("ICRS")) system = "ICRS";
  if (system == "GAPPT")
    throw OtfError(Code::kWcsInvalid,
                   "RADESYS = 'GAPPT' (apparent positions of a date) is not converted here");
  if (isYear(yearOf(system))) {
    if (!isYear(year)) year = yearOf(system);
    system.clear();
  }
  const bool known = system.empty() || system == "ICRS" || system == "FK5" || system == "FK4";
  // Paper II: without RADESYS, no EQUINOX means ICRS, before 1984 FK4, otherwise FK5.
  if (system.empty() || !known) system = !isYear(year) ? "ICRS" : year < 1984.0 ? "FK4" : "FK5";
  if (!known)
    warnings.push_back("RADESYS = '" + radesys + "' is not known: positions are taken as " + system);
  if (system == "ICRS") return {"ICRS", 0, "RA/DEC"};
  if (!isYear(year)) year = system == "FK5" ? 2000.0 : 1950.0;
  return {system, year, "RA/DEC"};
}

}  // namespace otf::sky
