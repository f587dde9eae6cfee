#include "sky/frame.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>

#include "error/error.h"

namespace otf::sky {
namespace {

constexpr double kDegree = std::numbers::pi / 180;

// ICRS to galactic, as in SOFA's iauIcrs2g: The Hipparcos and Tycho Catalogues, ESA SP-1200, volume 1,
// section 1.5.3 (pole 192.85948, +27.12825; node 32.93192 degrees). Rows: the galactic axes in ICRS.
constexpr std::array<Vector3, 3> kIcrsToGalactic = {{
    {-0.054875560416215368492398900454, -0.873437090234885048760383168409, -0.483835015548713226831774175116},
    {+0.494109427875583673525222371358, -0.444829629960011178146614061616, +0.746982244497218890527388004556},
    {-0.867666149019004701181616534570, -0.198076373431201528180486091412, +0.455983776175066922272100478348},
}};

SkyPosition toPosition(const Vector3& v) {
  double lon = std::atan2(v[1], v[0]) / kDegree;
  if (lon < 0) lon += 360;
  if (lon >= 360) lon -= 360;
  return {lon, std::atan2(v[2], std::hypot(v[0], v[1])) / kDegree};
}

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

SkyPosition galacticToIcrs(double lonDeg, double latDeg) {
  const Vector3 from = unitVector(lonDeg, latDeg);
  Vector3 to{};
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) to[i] += kIcrsToGalactic[j][i] * from[j];
  }
  return toPosition(to);
}

SkyPosition icrsToGalactic(SkyPosition position) {
  const Vector3 from = unitVector(position.raDeg, position.decDeg);
  Vector3 to{};
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) to[i] += kIcrsToGalactic[i][j] * from[j];
  }
  return toPosition(to);
}

SkyFrame frameOf(const std::string& axis, const std::string& radesys, std::optional<double> equinox) {
  if (axis == "GLON") return {"ICRS", 0, "GLON/GLAT"};
  if (axis != "RA") {
    throw OtfError(Code::kWcsInvalid, "celestial axes of type " + axis +
                                          " are not supported: equatorial or galactic ones are needed");
  }
  if (equinox && !(*equinox > 1000 && *equinox < 3000)) {
    char text[40];
    std::snprintf(text, sizeof text, "EQUINOX = %g is not a year", *equinox);
    throw OtfError(Code::kWcsInvalid, text);
  }
  std::string system = upper(radesys);
  // Paper II: without RADESYS, no EQUINOX means ICRS, before 1984 FK4, otherwise FK5.
  if (system.empty()) system = !equinox ? "ICRS" : *equinox < 1984.0 ? "FK4" : "FK5";
  if (system == "ICRS") return {"ICRS", 0, "RA/DEC"};
  if (system == "FK5") return {"FK5", equinox.value_or(2000.0), "RA/DEC"};
  // FK4-NO-E differs from FK4 by the E-terms of aberration, 0.34 arcsec at most.
  if (system == "FK4" || system == "FK4-NO-E") return {"FK4", equinox.value_or(1950.0), "RA/DEC"};
  throw OtfError(Code::kWcsInvalid,
                 "RADESYS = '" + radesys + "' is not supported: ICRS, FK5 or FK4 is needed");
}

}  // namespace otf::sky
