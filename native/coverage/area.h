// An area of the sky or of an image that somebody gave in a file: a MOC (FITS, ASCII, JSON) or DS9 regions.
#pragma once

#include <string>
#include <variant>

#include "coverage/ds9_text.h"
#include "coverage/moc.h"

namespace otf::coverage {

struct Area {
  std::string label;
  std::variant<Moc, RegionFile> is;
  bool isMoc() const { return std::holds_alternative<Moc>(is); }
};

/// By what the file begins with. Throws kMaskInvalid (also when there is no area in it), kTableUnreadable.
Area readArea(const std::string& path, const std::string& label);

}  // namespace otf::coverage
