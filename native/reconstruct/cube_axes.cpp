#include "reconstruct/cube_axes.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "error/error.h"
#include "reconstruct/linear_axis.h"
#include "reconstruct/time_keys.h"
#include "sky/units.h"

namespace otf {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr int kMostFrames = 65536;

[[noreturn]] void refuse(const FitsInfo& info, const std::string& what) {
  throw OtfError(Code::kCubeInvalid, info.label + ": " + what);
}

double number(const FitsInfo& info, const std::string& key, double otherwise) {
  return numberCard(info.cards, key, otherwise);
}

std::string text(const FitsInfo& info, const std::string& key) { return textCard(info.cards, key); }

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

bool isFrequency(const Axis& axis) { return axis.ctype.substr(0, 4) == "FREQ"; }

/// FREQ-LOG, FREQ-TAB, FREQ-W2F, a grism (WCS paper III). FREQ-LSR and its like, of AIPS, go by even steps.
bool isBent(const std::string& ctype) {
  const std::string code = ctype.size() > 5 ? ctype.substr(5) : "";
  return code == "LOG" || code == "TAB" || code == "GRI" || code == "GRA" ||
         (code.size() == 3 && code[1] == '2');
}

/// Those a cube may have beside its picture's; an axis of length 1 may be any.
struct FrameAxes {
  std::optional<Axis> time, frequency;
  int bands() const {
    return frequency ? static_cast<int>(std::min<int64_t>(frequency->length, 1 << 20)) : 1;
  }
  /// Of one band, frame by frame.
  std::vector<int64_t> planes(const FitsInfo& info, int band) const {
    if (band < 0 || band >= bands()) refuse(info, "there is no band " + std::to_string(band + 1));
    std::vector<int64_t> out;
    for (int64_t t = 0; t < (time ? time->length : 1); ++t)
      out.push_back((time ? t * time->step : 0) + (frequency ? band * frequency->step : 0));
    return out;
  }
};

/// `frames`: how many there must be, where a header need not say which axis is time.
FrameAxes frameAxes(const FitsInfo& info, std::optional<int64_t> frames) {
  FrameAxes out;
  // Beside a longer one, an axis of length 1 says where the whole is.
  const auto take = [&](std::optional<Axis>& place, const Axis& axis) {
    if (place && place->length > 1 && axis.length > 1)
      refuse(info, "axes " + std::to_string(place->number) + " and " + std::to_string(axis.number) +
                       " are both " + (isFrequency(axis) ? "frequency" : "time") +
                       ": a cube has one axis of each");
    if (!place || axis.length > place->length) place = axis;
  };
  for (const Axis& axis : furtherAxes(info)) {
    if (isTimeAxis(axis.ctype) || (frames && axis.length == *frames && axis.ctype.empty())) {
      take(out.time, axis);
    } else if (isFrequency(axis)) {
      take(out.frequency, axis);
    } else if (axis.length > 1) {
      refuse(info, "axis " + std::to_string(axis.number) + " (" +
                       (axis.ctype.empty() ? "no CTYPE" : axis.ctype) + ", " + std::to_string(axis.length) +
                       " long) is neither time nor frequency: a cube has CTYPE TIME");
    }
  }
  return out;
}

/// Hz.
double frequencyAt(const FitsInfo& info, const Axis& axis, int band, std::vector<std::string>& warnings) {
  const std::string key = "CUNIT" + std::to_string(axis.number);
  if (isBent(axis.ctype)) {
    if (axis.length > 1)
      refuse(info, "CTYPE" + std::to_string(axis.number) + " = " + axis.ctype +
                       ": bands are evenly spaced in frequency (FREQ)");
    return 0;
  }
  const std::string unit = text(info, key);
  const std::optional<double> hertz = unit.empty() ? 1 : sky::unitFactor(unit, "Hz");
  if (!hertz) refuse(info, key + " = " + unit + " is no unit of frequency: Hz, kHz, MHz and GHz are");
  return readLinearAxis(info, axis.number, warnings).at(band) * *hertz;
}

double restFrequency(const FitsInfo& info) { return number(info, "RESTFRQ", number(info, "RESTFREQ", 0)); }

}  // namespace

double frequencyOf(const FitsInfo& info, std::vector<std::string>& warnings) {
  double found = 0;
  for (const Axis& axis : furtherAxes(info)) {
    if (isFrequency(axis)) found = frequencyAt(info, axis, 0, warnings);
  }
  return found != 0 ? found : restFrequency(info);
}

CubeAxes readCubeAxes(const FitsInfo& info, int band, std::optional<int64_t> rows) {
  const FrameAxes axes = frameAxes(info, rows);
  if (!axes.time)
    refuse(info,
           "there is no axis of time (CTYPE3 = 'TIME'); single-epoch images are given as several files");
  const Axis& time = *axes.time;
  if (time.length < 2) refuse(info, "the axis of time has one frame: nothing can be told of its changes");
  if (time.length > kMostFrames) refuse(info, "more than " + std::to_string(kMostFrames) + " frames");
  CubeAxes out;
  out.bands = axes.bands();
  out.planes = axes.planes(info, band);
  if (axes.frequency) out.frequencyHz = frequencyAt(info, *axes.frequency, band, out.warnings);
  if (out.frequencyHz == 0) out.frequencyHz = restFrequency(info);
  out.timeScale = timeScaleOf(info.cards, time.ctype);
  out.exposureS = exposureOf(info.label, info.cards);
  if (rows) return out;
  const double seconds =
      secondsOfUnit(info.label, text(info, "CUNIT" + std::to_string(time.number)), info.cards);
  const double reference = referenceMjd(info.label, info.cards),
               start = std::isfinite(reference) ? reference : 0;
  const LinearAxis line = readLinearAxis(info, time.number, out.warnings);
  for (int64_t t = 0; t < time.length; ++t) out.timesMjd.push_back(start + line.at(t) * seconds / 86400);
  return out;
}

PsfAxes readPsfAxes(const FitsInfo& info, int band, int64_t frames) {
  const FrameAxes axes = frameAxes(info, frames);
  return {axes.planes(info, std::min(band, axes.bands() - 1)), axes.bands(),
          axes.time && axes.time->length > 1};
}

Epoch readEpoch(const FitsInfo& info) {
  Epoch out;
  out.timeScale = timeScaleOf(info.cards);
  const auto mjd = [&](const std::string& which) {
    const double days = number(info, "MJD-" + which, kNone);
    return std::isfinite(days) ? days : mjdOfKey(info.label, info.cards, "DATE-" + which);
  };
  const double begin = mjd("BEG"), end = mjd("END"), told = exposureOf(info.label, info.cards);
  out.exposureS = std::isfinite(told) ? told : (end - begin) * 86400;
  out.mjd = mjd("AVG");
  if (std::isfinite(out.mjd)) return out;
  out.mjd = (begin + end) / 2;
  if (std::isfinite(out.mjd)) return out;
  out.mjd = mjd("OBS");
  if (!std::isfinite(out.mjd))
    refuse(info, "the header tells no time (MJD-AVG, DATE-AVG, MJD-OBS or DATE-OBS)");
  out.isStart = !std::isfinite(out.exposureS);
  if (!out.isStart) out.mjd += out.exposureS / 86400 / 2;
  return out;
}

}  // namespace otf
