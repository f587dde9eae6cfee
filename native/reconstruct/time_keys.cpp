#include "reconstruct/time_keys.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>

#include "error/error.h"
#include "fits/header_values.h"

namespace otf {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kMjdOfJd = 2400000.5;

}  // namespace

double mjdOfDate(const std::string& text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0;
  double second = 0;
  const int read =
      std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%lf", &year, &month, &day, &hour, &minute, &second);
  if (read != 3 && read != 5 && read != 6) return kNone;
  using namespace std::chrono;
  const year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                            std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour < 0 || hour > 24 || minute < 0 || minute > 59 || !(second >= 0 && second < 61))
    return kNone;
  constexpr int kMjdOfUnix = 40587;
  return (sys_days(date).time_since_epoch().count() + kMjdOfUnix) +
         (hour * 3600 + minute * 60 + second) / 86400;
}

double numberCard(std::string_view cards, const std::string& key, double otherwise) {
  return fits::numberOf(fits::findValue(cards, key)).value_or(otherwise);
}

std::string textCard(std::string_view cards, const std::string& key) {
  const fits::CardValue value = fits::findValue(cards, key);
  if (value.kind != fits::CardValue::Kind::kText) return "";
  const std::string& it = value.text;
  return it.substr(0, it.find_last_not_of(' ') + 1);
}

bool isTimeAxis(std::string ctype) {
  ctype = ctype.substr(0, ctype.find('('));
  static constexpr std::array kNames{"TIME", "UTC", "TAI", "TT",  "TDT", "ET",  "UT1",
                                     "UT",   "GMT", "TCG", "TCB", "TDB", "GPS", "LOCAL"};
  return std::find(kNames.begin(), kNames.end(), ctype) != kNames.end();
}

double secondsOfUnit(const std::string& label, const std::string& unit) {
  if (unit.empty() || unit == "s") return 1;
  if (unit == "min") return 60;
  if (unit == "h") return 3600;
  if (unit == "d") return 86400;
  if (unit == "a" || unit == "yr") return 365.25 * 86400;
  throw OtfError(Code::kCubeInvalid, label + ": time has the unit " + unit + ": s, min, h, d or a are known");
}

double referenceMjd(std::string_view cards) {
  const double whole = numberCard(cards, "MJDREFI", kNone);
  if (std::isfinite(whole)) return whole + numberCard(cards, "MJDREFF", 0);
  const double mjd = numberCard(cards, "MJDREF", kNone);
  if (std::isfinite(mjd)) return mjd;
  const double jd = numberCard(cards, "JDREF", kNone);
  if (std::isfinite(jd)) return jd - kMjdOfJd;
  return mjdOfDate(textCard(cards, "DATEREF"));
}

std::string timeScaleOf(std::string_view cards) {
  const std::string scale = textCard(cards, "TIMESYS");
  return scale.empty() ? "UTC" : scale;
}

}  // namespace otf
