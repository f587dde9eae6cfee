// What must be true of the WCS cards before wcslib may read them.
#pragma once

#include <string>

namespace otf::sky {

/// Cards that wcslib may read. wcslib 7.12 skips a number it cannot parse (a NaN CRVAL would silently become
/// 0), sizes its arrays by WCSAXES and the SIP orders as they come, and copies a string without a closing
/// quote past the end of its buffer. `axes`: the FITS axes (1-based) of width and height. Cards of no concern
/// to them are blanked when malformed. Throws kWcsInvalid naming the card otherwise.
std::string usableCards(const std::string& cards, const int axes[2]);

/// The primary CTYPE of a FITS axis, "" when there is none.
std::string axisType(const std::string& cards, int axis);

}  // namespace otf::sky
