// Keywords that say when something was.
// Source: FITS Standard 4.0, section 9.
#pragma once

#include <string>
#include <string_view>

namespace otf {

/// Days of an ISO-8601 date as FITS writes it, also with a blank for the T; the whole text must be one. NaN = none.
double mjdOfDate(const std::string& text);

/// Of DATE-OBS, DATE-BEG, ...: a date without a time of day has that of TIME-OBS, TIME-BEG, ..., as it was written before 2000.
/// NaN = the keyword is not there. Throws kCubeInvalid naming `label` for what is no date.
double mjdOfKey(const std::string& label, std::string_view cards, const std::string& key);

/// A number, and a text without blanks at its end, of the cards; `otherwise` and "" where there is none.
double numberCard(std::string_view cards, const std::string& key, double otherwise);
std::string textCard(std::string_view cards, const std::string& key);

/// CTYPE of an axis of time: TIME, or the name of a time scale (table 30).
bool isTimeAxis(std::string ctype);

/// Seconds of a unit: s, min, h, d, a; "" = s. Throws kCubeInvalid naming `label`.
double secondsOfUnit(const std::string& label, const std::string& unit);

/// Of `unit`; of TIMEUNIT where that is "" (section 9.3).
double secondsOfUnit(const std::string& label, const std::string& unit, std::string_view cards);

/// Of XPOSURE in TIMEUNIT (section 9.4.3), else of EXPTIME in s. NaN = neither is there.
double exposureOf(const std::string& label, std::string_view cards);

/// MJD that times count from: MJDREF, JDREF, either also in two parts, or DATEREF, in this order (section 9.2.2), with TIMEOFFS
/// (section 9.4.1). NaN = none is given.
double referenceMjd(const std::string& label, std::string_view cards);

/// The name of a time scale in capitals, without its realisation in brackets; older names of the same scale are today's
/// (IAT is TAI, TDT and ET are TT, GMT is UTC).
std::string timeScaleName(const std::string& given);

/// TIMESYS, else UTC (section 9.2.1).
std::string timeScaleOf(std::string_view cards);
/// That of an axis or a column: its own type, where that is the name of a scale, goes before TIMESYS.
std::string timeScaleOf(std::string_view cards, const std::string& ctype);

}  // namespace otf
