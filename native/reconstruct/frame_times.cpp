#include "reconstruct/frame_times.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "catalogue/catalogue.h"
#include "error/error.h"
#include "reconstruct/cube_reader.h"
#include "reconstruct/time_keys.h"

namespace otf {
namespace {

constexpr const char* kTable = "TIMES";
constexpr double kSecondsPerDay = 86400;
/// A table of times is small, whoever made it.
constexpr CatalogueLimits kLimits{1 << 20, 1000, int64_t{1} << 46};

double orElse(double value, double otherwise) { return std::isfinite(value) ? value : otherwise; }

FrameTimes fromTable(const Catalogue& table, const std::string& label, std::string_view cubeCards) {
  FrameTimes out;
  out.label = label;
  const bool fits = !table.cards.empty();
  const bool days = table.find("TIME") == nullptr;
  const std::vector<double>& values = table.numbers({"TIME", "MJD"});
  std::string unit = days ? "d" : table.find("TIME")->unit;
  if (unit.empty() && fits) unit = textCard(table.cards, "TIMEUNIT");
  if (unit.empty() && !fits) unit = "d";
  const bool absolute = days || (!fits && unit == "d");
  const double seconds = secondsOfUnit(label, unit);
  const double start = absolute ? 0 : orElse(referenceMjd(table.cards), orElse(referenceMjd(cubeCards), 0));
  for (const double value : values) out.timesMjd.push_back(start + value * seconds / kSecondsPerDay);
  out.exposuresS.assign(values.size(), std::numeric_limits<double>::quiet_NaN());
  for (const char* name : {"EXPOSURE", "XPOSURE", "EXPTIME"}) {
    const CatalogueColumn* column = table.find(name);
    if (!column || column->isText) continue;
    const double scale = secondsOfUnit(label, column->unit);
    for (size_t t = 0; t < values.size(); ++t) out.exposuresS[t] = column->numbers[t] * scale;
    break;
  }
  out.timeScale = timeScaleOf(textCard(table.cards, "TIMESYS").empty() ? cubeCards : table.cards);
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
