#include "reconstruct/frame_times.h"

#include <strings.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "catalogue/catalogue.h"
#include "error/error.h"
#include "fits/header_values.h"
#include "reconstruct/cube_reader.h"
#include "reconstruct/time_keys.h"

namespace otf {
namespace {

constexpr const char* kTable = "TIMES";
constexpr double kSecondsPerDay = 86400;
/// A table of times is small, whoever made it.
constexpr CatalogueLimits kLimits{1 << 20, 1000, int64_t{1} << 46};

double orElse(double value, double otherwise) { return std::isfinite(value) ? value : otherwise; }

/// Days from JD 0 to MJD 0.
constexpr double kMjdOfJd = 2400000.5;

/// MJD of the origin a TIMESYS tells (VOTable 1.4, section 3.2). NaN = it tells none.
double originOf(const CatalogueColumn& column, const std::string& label) {
  const std::string& origin = column.timeOrigin;
  if (origin.empty()) return std::numeric_limits<double>::quiet_NaN();
  if (origin == "MJD-origin") return 0;
  if (origin == "JD-origin") return -kMjdOfJd;
  const std::optional<double> jd = fits::parseNumber(origin);
  if (jd) return *jd - kMjdOfJd;
  throw OtfError(Code::kCubeInvalid, label + ": timeorigin " + origin +
                                         " is not known: it is a Julian date, MJD-origin or JD-origin");
}

/// TCTYPn of a column (FITS Standard 4.0, section 9.2.1). "" = none.
std::string typeOf(const Catalogue& table, const std::string& name) {
  for (int n = 1; n <= kLimits.maxColumns; ++n) {
    const std::string column = textCard(table.cards, "TTYPE" + std::to_string(n));
    if (column.empty()) return "";
    if (strcasecmp(column.c_str(), name.c_str()) == 0)
      return textCard(table.cards, "TCTYP" + std::to_string(n));
  }
  return "";
}

std::string scaleOf(const Catalogue& table, const CatalogueColumn& column, std::string_view cubeCards) {
  std::string told = timeScaleName(column.timeScale);
  if (!told.empty() && told != "UNKNOWN") return told;
  return timeScaleOf(textCard(table.cards, "TIMESYS").empty() ? cubeCards : table.cards,
                     typeOf(table, column.name));
}

/// MJD that the numbers of a column count from.
double startOf(const CatalogueColumn& column, bool absolute, const FrameTimes& from, std::string_view cards,
               std::string_view cubeCards) {
  const double origin = originOf(column, from.label);
  if (std::isfinite(origin)) return origin;
  if (absolute) return 0;
  const double own = referenceMjd(from.label, cards);
  return std::isfinite(own) ? own : orElse(referenceMjd(from.label, cubeCards), 0);
}

FrameTimes fromTable(const Catalogue& table, const std::string& label, std::string_view cubeCards) {
  FrameTimes out;
  out.label = label;
  const bool fits = !table.cards.empty();
  const bool days = table.find("TIME") == nullptr;
  const std::vector<double>& values = table.numbers({"TIME", "MJD"});
  const CatalogueColumn& column = *table.find(days ? "MJD" : "TIME");
  std::string unit = days ? "d" : column.unit;
  if (unit.empty() && !fits) unit = "d";
  const double seconds = secondsOfUnit(label, unit, table.cards);
  const double start = startOf(column, days || (!fits && unit == "d"), out, table.cards, cubeCards);
  for (const double value : values) out.timesMjd.push_back(start + value * seconds / kSecondsPerDay);
  out.exposuresS.assign(values.size(), std::numeric_limits<double>::quiet_NaN());
  for (const char* name : {"EXPOSURE", "XPOSURE", "EXPTIME"}) {
    const CatalogueColumn* exposure = table.find(name);
    if (!exposure || exposure->isText) continue;
    const double scale = secondsOfUnit(label, exposure->unit);
    for (size_t t = 0; t < values.size(); ++t) out.exposuresS[t] = exposure->numbers[t] * scale;
    break;
  }
  out.timeScale = scaleOf(table, column, cubeCards);
  return out;
}

}  // namespace

std::optional<FrameTimes> timesInCube(const CubeFile& cube, std::string_view cubeCards) {
  const auto table = readNamedFitsTable(cube.path, kTable, kLimits, cube.label);
  if (!table) return std::nullopt;
  return fromTable(*table, cube.label + ", table TIMES", cubeCards);
}

FrameTimes readFrameTimes(const CubeFile& table, std::string_view cubeCards) {
  return fromTable(readCatalogue(table.path, {}, kLimits, table.label), table.label, cubeCards);
}

}  // namespace otf
