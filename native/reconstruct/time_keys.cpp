#include "reconstruct/time_keys.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>

#include "error/error.h"
#include "fits/header_values.h"

namespace otf {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kMjdOfJd = 2400000.5;

}  // namespace

double mjdOfDate(const std::string& text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, dateEnd = 0, end = 0;
  double second = 0;
  char between = 'T';
  if (std::sscanf(text.c_str(), "%4d-%2d-%2d%n", &year, &month, &day, &dateEnd) != 3) return kNone;
  end = dateEnd;
  // The standard knows no Z; it says what UTC is by itself.
  const size_t size =
      text.size() - (text.size() > static_cast<size_t>(dateEnd) + 1 && text.back() == 'Z' ? 1 : 0);
  if (size > static_cast<size_t>(dateEnd)) {
    int minutes = 0, seconds = 0;
    std::sscanf(text.c_str() + dateEnd, "%c%2d:%2d%n", &between, &hour, &minute, &minutes);
    end += minutes;
    if (minutes > 0 && std::sscanf(text.c_str() + end, ":%lf%n", &second, &seconds) == 1) end += seconds;
  }
  if (static_cast<size_t>(end) != size || (between != 'T' && between != ' ')) return kNone;
  using namespace std::chrono;
  const year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                            std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour < 0 || hour > 24 || minute < 0 || minute > 59 || !(second >= 0 && second < 61))
    return kNone;
  constexpr int kMjdOfUnix = 40587;
  return (sys_days(date).time_since_epoch().count() + kMjdOfUnix) +
         (hour * 3600 + minute * 60 + second) / 86400;
}

double mjdOfKey(const std::string& label, std::string_view cards, const std::string& key) {
  constexpr size_t kDateChars = 10;
  std::string date = textCard(cards, key);
  if (date.empty()) return kNone;
  const size_t dash = key.find('-');
  const std::string time = dash == std::string::npos ? "" : textCard(cards, "TIME" + key.substr(dash));
  if (date.size() == kDateChars && !time.empty()) date += "T" + time;
  const double mjd = mjdOfDate(date);
  if (!std::isfinite(mjd))
    throw OtfError(Code::kCubeInvalid,
                   label + ": " + key + " = " + date + " is no date: write 2026-11-30T09:36:00");
  return mjd;
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
  static constexpr std::array kNames{"TIME", "UTC", "TAI", "IAT", "TT",  "TDT", "ET",   "UT1",
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

double secondsOfUnit(const std::string& label, const std::string& unit, std::string_view cards) {
  return secondsOfUnit(label, unit.empty() ? textCard(cards, "TIMEUNIT") : unit);
}

double exposureOf(const std::string& label, std::string_view cards) {
  const double exposure = numberCard(cards, "XPOSURE", kNone);
  if (std::isfinite(exposure)) return exposure * secondsOfUnit(label, "", cards);
  return numberCard(cards, "EXPTIME", kNone);
}

double referenceMjd(const std::string& label, std::string_view cards) {
  // Two parts go before the whole, a part alone behind it.
  const auto reference = [&](const std::string& key) {
    const double whole = numberCard(cards, key, kNone), days = numberCard(cards, key + "I", kNone),
                 part = numberCard(cards, key + "F", kNone);
    if (std::isfinite(days) && (std::isfinite(part) || !std::isfinite(whole)))
      return days + (std::isfinite(part) ? part : 0);
    return std::isfinite(whole) ? whole : part;
  };
  double out = reference("MJDREF");
  if (!std::isfinite(out)) out = reference("JDREF") - kMjdOfJd;
  if (!std::isfinite(out)) out = mjdOfKey(label, cards, "DATEREF");
  constexpr double kSecondsPerDay = 86400;
  const double offset = numberCard(cards, "TIMEOFFS", 0);
  return offset == 0 ? out : out + offset * secondsOfUnit(label, "", cards) / kSecondsPerDay;
}

std::string timeScaleName(const std::string& given) {
  std::string name = given.substr(0, given.find('('));
  name = name.substr(0, name.find_last_not_of(' ') + 1);
  for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  static const std::map<std::string, std::string> kOlder{
      {"IAT", "TAI"}, {"TDT", "TT"}, {"ET", "TT"}, {"GMT", "UTC"}};
  const auto today = kOlder.find(name);
  return today == kOlder.end() ? name : today->second;
}

std::string timeScaleOf(std::string_view cards) {
  const std::string scale = timeScaleName(textCard(cards, "TIMESYS"));
  return scale.empty() ? "UTC" : scale;
}

std::string timeScaleOf(std::string_view cards, const std::string& ctype) {
  return isTimeAxis(ctype) && ctype != "TIME" ? timeScaleName(ctype) : timeScaleOf(cards);
}

}  // namespace otf
