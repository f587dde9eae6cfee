#include "reconstruct/output_header.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "fits/header_values.h"
#include "sky/sky_keys.h"

namespace otf {
namespace {

FitsKey number(const std::string& name, double value, const char* comment) {
  return {name, comment, "", value, false, false};
}
FitsKey text(const std::string& name, const std::string& value, const char* comment) {
  return {name, comment, value, 0, true, false};
}

/// The celestial axes are the first two of what is written, whichever they were.
std::vector<FitsKey> placeKeys(const CubeInfo& cube) {
  std::vector<FitsKey> keys = sky::skyKeys(cube.cards, cube.axes);
  for (const char* key : {"RESTFRQ", "TELESCOP", "OBJECT"}) {
    const fits::CardValue value = fits::findValue(cube.cards, key);
    if (value.kind == fits::CardValue::Kind::kText) {
      keys.push_back(text(key, value.text, ""));
    } else if (const auto it = fits::numberOf(value); it && std::isfinite(*it)) {
      keys.push_back(number(key, *it, ""));
    }
  }
  return keys;
}

/// The step of an axis where a cube's sky has this matrix: beside any CDi_j no CDELT counts (WCS paper I, section 2.1.2).
FitsKey stepKey(const std::vector<FitsKey>& sky, int axis, double step, const char* comment) {
  const std::string n = std::to_string(axis);
  const auto has = [&](std::string_view start) {
    return std::ranges::any_of(sky, [&](const FitsKey& key) { return key.name.starts_with(start); });
  };
  if (has("CD1_") || has("CD2_")) return number("CD" + n + "_" + n, step, comment);
  if (has("CD00")) return number("CD00" + n + "00" + n, step, comment);
  return number("CDELT" + n, step, comment);
}

}  // namespace

std::vector<FitsKey> cubeKeys(const CubeInfo& cube, double beamPx, const std::vector<double>& frequenciesHz) {
  const std::vector<FitsKey> sky = placeKeys(cube);
  std::vector<FitsKey> keys = sky;
  if (!cube.bunit.empty()) keys.push_back(text("BUNIT", cube.bunit, ""));
  const double step = (cube.timesMjd.back() - cube.timesMjd.front()) / (cube.frames - 1);
  keys.insert(keys.end(), {text("CTYPE3", "TIME", "middle of the frame"), text("CUNIT3", "d", ""),
                           number("CRPIX3", 1, ""), number("CRVAL3", 0, "[d] after MJDREF"),
                           stepKey(sky, 3, step, "[d]"), text("TIMESYS", cube.timeScale, "time scale"),
                           number("MJDREF", cube.timesMjd.front(), "[d] middle of the first frame")});
  if (frequenciesHz.size() > 1) {
    // Linear as the axis they were read from.
    const double spacing =
        (frequenciesHz.back() - frequenciesHz.front()) / static_cast<double>(frequenciesHz.size() - 1);
    keys.insert(keys.end(), {text("CTYPE4", "FREQ", ""), text("CUNIT4", "Hz", ""), number("CRPIX4", 1, ""),
                             number("CRVAL4", frequenciesHz.front(), "[Hz] of the first band"),
                             stepKey(sky, 4, spacing, "[Hz]")});
  }
  if (beamPx > 0 && cube.pixelScaleDeg > 0) {
    keys.push_back(number("BMAJ", beamPx * cube.pixelScaleDeg, "[deg] Gaussian of the reconstruction, FWHM"));
    keys.push_back(number("BMIN", beamPx * cube.pixelScaleDeg, "[deg]"));
    keys.push_back(number("BPA", 0, "[deg]"));
  }
  return keys;
}

void addTimes(const CubeInfo& cube, FitsImageWriter& image) {
  constexpr double kEven = 1e-3;  // of a step
  const double start = cube.timesMjd.front(), step = (cube.timesMjd.back() - start) / (cube.frames - 1);
  std::vector<double> times;
  bool even = true;
  for (const double mjd : cube.timesMjd) {
    even = even && std::abs(mjd - start - step * static_cast<double>(times.size())) < kEven * step;
    times.push_back(mjd - start);
  }
  if (even) return;
  const std::vector<FitsColumn> columns{{"TIME",
                                         "d",
                                         "time.epoch",
                                         "middle of the frame, after MJDREF",
                                         FitsColumn::Type::kDouble,
                                         {},
                                         times,
                                         {}},
                                        {"EXPOSURE",
                                         "s",
                                         "time.duration;obs.exposure",
                                         "",
                                         FitsColumn::Type::kDouble,
                                         {},
                                         cube.exposuresS,
                                         {}}};
  const std::vector<FitsKey> keys{text("TIMESYS", cube.timeScale, "time scale"),
                                  number("MJDREF", start, "[d] middle of the first frame")};
  image.addTable("TIMES", columns, keys);
}

std::vector<FitsKey> mapKeys(const CubeInfo& cube) {
  std::vector<FitsKey> keys = placeKeys(cube);
  keys.push_back(text("BUNIT", "", "detection statistic, 5 = its threshold"));
  return keys;
}

}  // namespace otf
