// When the frames of a cube were, as a table tells it: frames that are not evenly spaced have no other way to say so.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace otf {

struct CubeFile;

/// Middles of frames; exposures are NaN where the table has none.
struct FrameTimes {
  std::string label;  // of the table, for messages
  std::vector<double> timesMjd, exposuresS;
  std::string timeScale;
};

/// Of the cube itself: its binary table TIMES. nullopt = it has none. `cubeCards`: what the table's header does not say
/// (MJDREF, TIMESYS) the cube's does.
///   TIME      middle of each frame, counted from MJDREF, in TUNITn (else TIMEUNIT, else s); or MJD, days
///   EXPOSURE  (or XPOSURE, EXPTIME) in TUNITn, else s
/// Throws kCubeInvalid, kTableUnreadable, kTableColumn.
std::optional<FrameTimes> timesInCube(const CubeFile& cube, std::string_view cubeCards);

/// Of a file of its own: the first table of a FITS file as above, or a VOTable or text table, whose times are MJD unless
/// they have another unit than d.
FrameTimes readFrameTimes(const CubeFile& table, std::string_view cubeCards);

}  // namespace otf
