#include "reconstruct/output_header.h"

#include <cmath>
#include <string>
#include <vector>

#include "fits/header_values.h"

namespace otf {
namespace {

FitsKey number(const std::string& name, double value, const char* comment) {
  return {name, comment, "", value, false, false};
}
FitsKey text(const std::string& name, const std::string& value, const char* comment) {
  return {name, comment, value, 0, true, false};
}

void copy(const CubeInfo& cube, const std::string& from, const std::string& to, std::vector<FitsKey>& keys) {
  const fits::CardValue value = fits::findValue(cube.cards, from);
  if (value.kind == fits::CardValue::Kind::kText) {
    keys.push_back(text(to, value.text, ""));
  } else if (const auto it = fits::numberOf(value); it && std::isfinite(*it)) {
    keys.push_back(number(to, *it, ""));
  }
}

/// The celestial axes are the first two of what is written, whichever they were.
std::vector<FitsKey> skyKeys(const CubeInfo& cube) {
  std::vector<FitsKey> keys;
  for (size_t i = 0; i < 2; ++i) {
    const std::string from = std::to_string(cube.axes[i]), to = std::to_string(i + 1);
    for (const char* key : {"CTYPE", "CRPIX", "CRVAL", "CDELT", "CUNIT", "CROTA"})
      copy(cube, key + from, key + to, keys);
    for (size_t j = 0; j < 2; ++j) {
      const std::string other = std::to_string(cube.axes[j]), ours = std::to_string(j + 1);
      copy(cube, "PC" + from + "_" + other, "PC" + to + "_" + ours, keys);
      copy(cube, "CD" + from + "_" + other, "CD" + to + "_" + ours, keys);
      copy(cube, "PV" + from + "_" + other, "PV" + to + "_" + ours, keys);
    }
  }
  for (const char* key : {"RADESYS", "EQUINOX", "LONPOLE", "LATPOLE", "RESTFRQ", "TELESCOP", "OBJECT"})
    copy(cube, key, key, keys);
  return keys;
}

}  // namespace

std::vector<FitsKey> cubeKeys(const CubeInfo& cube, double beamPx, const std::vector<double>& frequenciesHz) {
  std::vector<FitsKey> keys = skyKeys(cube);
  if (!cube.bunit.empty()) keys.push_back(text("BUNIT", cube.bunit, ""));
  const double step = (cube.timesMjd.back() - cube.timesMjd.front()) / (cube.frames - 1);
  keys.insert(keys.end(), {text("CTYPE3", "TIME", "middle of the frame"), text("CUNIT3", "d", ""),
                           number("CRPIX3", 1, ""), number("CRVAL3", 0, "[d] after MJDREF"),
                           number("CDELT3", step, "[d]"), text("TIMESYS", cube.timeScale, "time scale"),
                           number("MJDREF", cube.timesMjd.front(), "[d] middle of the first frame")});
  if (frequenciesHz.size() > 1) {
    // Linear as the axis they were read from.
    const double spacing =
        (frequenciesHz.back() - frequenciesHz.front()) / static_cast<double>(frequenciesHz.size() - 1);
    keys.insert(keys.end(), {text("CTYPE4", "FREQ", ""), text("CUNIT4", "Hz", ""), number("CRPIX4", 1, ""),
                             number("CRVAL4", frequenciesHz.front(), "[Hz] of the first band"),
                             number("CDELT4", spacing, "[Hz]")});
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
  std::vector<FitsKey> keys = skyKeys(cube);
  keys.push_back(text("BUNIT", "", "detection statistic, 5 = its threshold"));
  return keys;
}

}  // namespace otf
