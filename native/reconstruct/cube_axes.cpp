#include "reconstruct/cube_axes.h"

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
constexpr int kMostFrames = 65536;

[[noreturn]] void refuse(const FitsInfo& info, const std::string& what) {
  throw OtfError(Code::kCubeInvalid, info.label + ": " + what);
}

double number(const FitsInfo& info, const std::string& key, double otherwise) {
  return fits::numberOf(fits::findValue(info.cards, key)).value_or(otherwise);
}

std::string text(const FitsInfo& info, const std::string& key) {
  const fits::CardValue value = fits::findValue(info.cards, key);
  if (value.kind != fits::CardValue::Kind::kText) return "";
  const std::string& it = value.text;
  return it.substr(0, it.find_last_not_of(' ') + 1);
}

/// FITS Standard 4.0, table 30, and TIME itself.
bool isTime(std::string ctype) {
  ctype = ctype.substr(0, ctype.find('('));
  static constexpr std::array kNames{"TIME", "UTC", "TAI", "TT",  "TDT", "ET",  "UT1",
                                     "UT",   "GMT", "TCG", "TCB", "TDB", "GPS", "LOCAL"};
  return std::find(kNames.begin(), kNames.end(), ctype) != kNames.end();
}

double secondsOf(const FitsInfo& info, const std::string& unit) {
  if (unit.empty() || unit == "s") return 1;
  if (unit == "min") return 60;
  if (unit == "h") return 3600;
  if (unit == "d") return 86400;
  if (unit == "a" || unit == "yr") return 365.25 * 86400;
  refuse(info, "the axis of time has the unit " + unit + ": s, min, h, d or a are known");
}

/// MJD the axis counts from: MJDREF, MJDREFI + MJDREFF, JDREF, DATEREF (section 9.2.2), 0 when there is none.
double reference(const FitsInfo& info) {
  const double whole = number(info, "MJDREFI", kNone);
  if (std::isfinite(whole)) return whole + number(info, "MJDREFF", 0);
  const double mjd = number(info, "MJDREF", kNone);
  if (std::isfinite(mjd)) return mjd;
  const double jd = number(info, "JDREF", kNone);
  if (std::isfinite(jd)) return jd - kMjdOfJd;
  const double date = mjdOfDate(text(info, "DATEREF"));
  return std::isfinite(date) ? date : 0;
}

std::string scaleOf(const FitsInfo& info) {
  const std::string scale = text(info, "TIMESYS");
  return scale.empty() ? "UTC" : scale;  // section 9.2.1
}

struct Axis {
  int64_t length = 1, step = 1;  // step: planes from one element to the next
  std::string ctype;
  int number = 0;  // 1-based
};

/// All axes but those of the picture.
std::vector<Axis> furtherAxes(const FitsInfo& info) {
  std::vector<Axis> out;
  int64_t step = 1;
  const int count = static_cast<int>(number(info, "NAXIS", 0));
  for (int i = 1; i <= count; ++i) {
    if (i == info.axes[0] || i == info.axes[1]) continue;
    Axis axis;
    axis.number = i;
    axis.length = static_cast<int64_t>(number(info, "NAXIS" + std::to_string(i), 1));
    axis.step = step;
    axis.ctype = text(info, "CTYPE" + std::to_string(i));
    step *= axis.length;
    out.push_back(axis);
  }
  return out;
}

double valueAt(const FitsInfo& info, const Axis& axis, int64_t index, double seconds) {
  const std::string n = std::to_string(axis.number);
  const double at = static_cast<double>(index) + 1 - number(info, "CRPIX" + n, 0);
  return (number(info, "CRVAL" + n, 0) + at * number(info, "CDELT" + n, 1)) * seconds;
}

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

CubeAxes readCubeAxes(const FitsInfo& info, int band) {
  const Axis *time = nullptr, *frequency = nullptr;
  const std::vector<Axis> axes = furtherAxes(info);
  for (const Axis& axis : axes) {
    if (isTime(axis.ctype)) {
      time = &axis;
    } else if (axis.ctype.substr(0, 4) == "FREQ") {
      frequency = &axis;
    } else if (axis.length > 1) {
      refuse(info, "axis " + std::to_string(axis.number) + " (" +
                       (axis.ctype.empty() ? "no CTYPE" : axis.ctype) + ", " + std::to_string(axis.length) +
                       " long) is neither time nor frequency: a cube has CTYPE TIME");
    }
  }
  if (!time)
    refuse(info,
           "there is no axis of time (CTYPE3 = 'TIME'); single-epoch images are given as several files");
  if (time->length < 2) refuse(info, "the axis of time has one frame: nothing can be told of its changes");
  if (time->length > kMostFrames) refuse(info, "more than " + std::to_string(kMostFrames) + " frames");
  CubeAxes out;
  out.bands = frequency ? static_cast<int>(std::min<int64_t>(frequency->length, 1 << 20)) : 1;
  if (band < 0 || band >= out.bands) refuse(info, "there is no band " + std::to_string(band + 1));
  if (frequency) out.frequencyHz = valueAt(info, *frequency, band, 1);
  if (out.frequencyHz == 0) out.frequencyHz = number(info, "RESTFRQ", 0);
  const double seconds = secondsOf(info, text(info, "CUNIT" + std::to_string(time->number)));
  const double start = reference(info);
  for (int64_t t = 0; t < time->length; ++t) {
    out.planes.push_back(t * time->step + (frequency ? band * frequency->step : 0));
    out.timesMjd.push_back(start + valueAt(info, *time, t, seconds) / 86400);
  }
  out.timeScale = scaleOf(info);
  out.exposureS = number(info, "XPOSURE", number(info, "EXPTIME", kNone));
  return out;
}

double readEpoch(const FitsInfo& info, double* exposureS, std::string* timeScale) {
  *timeScale = scaleOf(info);
  const double begin = number(info, "MJD-BEG", mjdOfDate(text(info, "DATE-BEG")));
  const double end = number(info, "MJD-END", mjdOfDate(text(info, "DATE-END")));
  *exposureS = number(info, "XPOSURE", number(info, "EXPTIME", (end - begin) * 86400));
  const double average = number(info, "MJD-AVG", mjdOfDate(text(info, "DATE-AVG")));
  if (std::isfinite(average)) return average;
  if (std::isfinite(begin) && std::isfinite(end)) return (begin + end) / 2;
  const double start = number(info, "MJD-OBS", mjdOfDate(text(info, "DATE-OBS")));
  if (!std::isfinite(start))
    refuse(info, "the header tells no time (MJD-AVG, DATE-AVG, MJD-OBS or DATE-OBS)");
  return std::isfinite(*exposureS) ? start + *exposureS / 86400 / 2 : start;
}

}  // namespace otf
