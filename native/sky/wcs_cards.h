// What the header says of the sky coordinates of two axes, made fit for wcslib.
#pragma once

#include <string>
#include <vector>

namespace otf::sky {

/// Cards that wcslib may read, in the form it reads. wcslib 7.12 skips a number it cannot parse or that is not there (CRVAL
/// would silently be 0, CDELT 1), sizes its arrays by WCSAXES and the SIP orders as they come, and copies a string without
/// a closing quote past the end of its buffer. `cards`: FitsInfo::cards. `axes`: the FITS axes (1-based) of width and
/// height. What moves no pixel on the sky is left out with a warning. Throws kWcsInvalid, naming the card, for what does.
std::string usableCards(const std::string& cards, const int axes[2], std::vector<std::string>& warnings);

/// The primary CTYPE of a FITS axis in capitals, "" when there is none, and with a warning when it cannot be read.
std::string axisType(const std::string& cards, int axis, std::vector<std::string>& warnings);

/// "J2000", "B1950.0", "2000": the year; NaN when it is none.
double yearOf(const std::string& text);

}  // namespace otf::sky
