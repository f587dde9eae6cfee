// Which equatorial frame an image's celestial axes are in.
// Source: FITS WCS paper II (Calabretta & Greisen 2002), section 3.1.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "sky/wcs.h"

namespace otf::sky {

/// `axis`: "RA" or "GLON", as wcslib names the longitude axis; `equinox`: absent when the header has none.
/// Throws kWcsInvalid for axes and frames that are not converted here.
SkyFrame frameOf(const std::string& axis, const std::string& radesys, std::optional<double> equinox);

/// Galactic longitude and latitude to ICRS and back, degrees, RA in [0,360).
SkyPosition galacticToIcrs(double lonDeg, double latDeg);
/// lon in raDeg, lat in decDeg.
SkyPosition icrsToGalactic(SkyPosition position);

using Vector3 = std::array<double, 3>;
Vector3 unitVector(double lonDeg, double latDeg);

}  // namespace otf::sky
