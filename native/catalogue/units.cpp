#include "catalogue/units.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <numbers>
#include <optional>

#include "error/error.h"
#include "fits/pixel_unit.h"

namespace otf {
namespace {

/// Of an angle, by VOUnits' names and those that are met (astropy's, "degrees"), whatever their case.
std::optional<double> degreesIn(std::string unit) {
  static const std::map<std::string, double> kDegrees{{"deg", 1.0},
                                                      {"degree", 1.0},
                                                      {"degrees", 1.0},
                                                      {"rad", 180 / std::numbers::pi},
                                                      {"radian", 180 / std::numbers::pi},
                                                      {"hourangle", 15.0},
                                                      {"h", 15.0},
                                                      {"hour", 15.0},
                                                      {"arcmin", 1.0 / 60},
                                                      {"arcsec", 1.0 / 3600},
                                                      {"arcsecond", 1.0 / 3600},
                                                      {"arcseconds", 1.0 / 3600},
                                                      {"mas", 1.0 / 3600e3},
                                                      {"uas", 1.0 / 3600e6}};
  std::ranges::transform(unit, unit.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto found = kDegrees.find(unit);
  return found == kDegrees.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

std::optional<double> unitFactor(const std::string& from, const std::string& to) {
  const auto angle = degreesIn(from), wanted = degreesIn(to);
  if (angle && wanted) return *angle / *wanted;
  const auto unit = fits::parsePixelUnit(from), other = fits::parsePixelUnit(to);
  return unit && other ? fits::factorBetween(*unit, *other) : std::nullopt;
}

double factorTo(const Catalogue& table, const CatalogueColumn& column, const std::string& unit) {
  if (column.unit.empty() || column.unit == unit) return 1;
  if (const auto factor = unitFactor(column.unit, unit)) return *factor;
  throw OtfError(Code::kUnitMismatch, table.label + ": " + column.name + " is in " + column.unit +
                                          ", which cannot be turned into " + unit);
}

}  // namespace otf
