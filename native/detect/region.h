// Which part of the image plane is searched: all of it, a pixel box, or a box around a sky position.
#pragma once

#include <optional>
#include <variant>

#include "detect/detector.h"
#include "fits/fits.h"
#include "sky/wcs.h"

namespace otf {

/// Centre in `frame` (absent: that of the results, SkyFrame), size in pixels.
struct SkyRegion {
  SkyPosition centre;
  int64_t width = 0, height = 0;
  std::optional<SkyFrame> frame = std::nullopt;
};

/// monostate: the whole plane.
using RegionRequest = std::variant<std::monostate, Region, SkyRegion>;

/// The part of the request that lies on the plane (at least one pixel). `wcs` may be null.
/// Throws kInvalidArgument for a size below one pixel or a position that is no position; kRoiOutside when
/// nothing of it is on the plane, or a sky position is asked of an image without a celestial WCS.
Region resolveRegion(const RegionRequest& request, const FitsInfo& info, const Wcs* wcs);

}  // namespace otf
