// Keywords that say when something was.
// Source: FITS Standard 4.0, section 9.
#pragma once

#include <string>
#include <string_view>

namespace otf {

/// Days of an ISO-8601 date as FITS writes it. NaN = none.
double mjdOfDate(const std::string& text);

/// A number, and a text without blanks at its end, of the cards; `otherwise` and "" where there is none.
double numberCard(std::string_view cards, const std::string& key, double otherwise);
std::string textCard(std::string_view cards, const std::string& key);

/// CTYPE of an axis of time: TIME, or the name of a time scale (table 30).
bool isTimeAxis(std::string ctype);

/// Seconds of a unit: s, min, h, d, a; "" = s. Throws kCubeInvalid naming `label`.
double secondsOfUnit(const std::string& label, const std::string& unit);

/// MJD that times count from: MJDREF, MJDREFI + MJDREFF, JDREF, DATEREF (section 9.2.2). NaN = none is given.
double referenceMjd(std::string_view cards);

/// TIMESYS, else UTC (section 9.2.1).
std::string timeScaleOf(std::string_view cards);

}  // namespace otf
