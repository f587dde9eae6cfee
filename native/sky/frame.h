// Which equatorial frame an image's celestial axes are in.
// Source: FITS WCS paper II (Calabretta & Greisen 2002), section 3.1.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "sky/wcs.h"

namespace otf::sky {

/// `axis`: "RA" or "GLON", as wcslib names the longitude axis; `equinox`: absent when the header has none. A RADESYS or
/// EQUINOX that says nothing is left out with a warning. Throws kWcsInvalid for axes and frames that are not converted here.
SkyFrame frameOf(const std::string& axis, const std::string& radesys, std::optional<double> equinox,
                 std::vector<std::string>& warnings);

/// A position in another frame: ICRS, and FK5 and FK4 of any equinox. No proper motion, and FK4 positions as of 1950.
SkyPosition toFrame(SkyPosition position, const SkyFrame& from, const SkyFrame& to);

/// Galactic longitude and latitude to ICRS and back, degrees, RA in [0,360).
SkyPosition galacticToIcrs(double lonDeg, double latDeg);
/// lon in raDeg, lat in decDeg.
SkyPosition icrsToGalactic(SkyPosition position);

using Vector3 = std::array<double, 3>;
Vector3 unitVector(double lonDeg, double latDeg);
/// Of any length. Longitude in [0,360).
SkyPosition positionOf(const Vector3& v);

}  // namespace otf::sky
