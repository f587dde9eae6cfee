#include "addon/mock_values.h"

#include <optional>
#include <string>

#include "catalogue/catalogue.h"
#include "error/error.h"
#include "fits/pixel_unit.h"

namespace otf::addon {
namespace {

constexpr int64_t kMostRows = 1'000'000;

/// From the column's unit to `unit` times a beam; a column that says none is in it already.
double factorOf(const CatalogueColumn& column, const std::string& unit, const std::string& label) {
  if (column.unit.empty()) return 1;
  const auto from = fits::parsePixelUnit(column.unit + "/beam"), to = fits::parsePixelUnit(unit);
  const std::optional<double> factor = from && to ? fits::factorBetween(*from, *to) : std::nullopt;
  if (factor) return *factor;
  throw OtfError(Code::kUnitMismatch, label + ": its column " + column.name + " is in " + column.unit +
                                          ", and the sources are measured in " + unit +
                                          ": give flux densities in its unit without /beam");
}

/// In arcsec.
double scaleOf(const CatalogueColumn& column, const std::string& label) {
  if (column.unit.empty() || column.unit == "arcsec") return 1;
  if (column.unit == "deg") return 3600;
  if (column.unit == "mas") return 1e-3;
  throw OtfError(Code::kUnitMismatch, label + ": its column " + column.name + " is in " + column.unit +
                                          ": give arcsec, mas or deg");
}

const CatalogueColumn& columnOf(const Catalogue& table, const char* name) {
  table.numbers({name});  // says what there is
  return *table.find(name);
}

}  // namespace

std::vector<quality::MockKind> readMockKinds(const ImageChoice& file, const std::string& unit) {
  CatalogueLimits limits;
  limits.maxRows = kMostRows;
  const std::string label = file.select.label.empty() ? file.path : file.select.label;
  const Catalogue table = readCatalogue(file.path, {}, limits, label);
  const CatalogueColumn &flux = columnOf(table, "flux"), &major = columnOf(table, "bmaj"),
                        &minor = columnOf(table, "bmin");
  const double toPeak = factorOf(flux, unit, label), toMajor = scaleOf(major, label),
               toMinor = scaleOf(minor, label);
  std::vector<quality::MockKind> kinds;
  for (size_t row = 0; row < static_cast<size_t>(table.rows); ++row) {
    const quality::MockKind kind{flux.numbers[row] * toPeak, major.numbers[row] * toMajor,
                                 minor.numbers[row] * toMinor};
    if (kind.flux > 0 && kind.major >= 0 && kind.minor >= 0) kinds.push_back(kind);
  }
  if (!kinds.empty()) return kinds;
  throw OtfError(
      Code::kTableColumn,
      label + " has no row with a flux above 0 and sizes (bmaj, bmin): there are no mock sources in it");
}

}  // namespace otf::addon
