// Units of columns, and what their numbers are in another.
#pragma once

#include <optional>
#include <string>

#include "catalogue/catalogue.h"

namespace otf {

/// What numbers in `from` are multiplied by to be in `to`: angles (deg, arcsec), or units of pixels (Jy). nullopt: one is not
/// known, or they are of different things.
std::optional<double> unitFactor(const std::string& from, const std::string& to);

/// What a column's numbers are multiplied by to be in `unit`: an angle (deg, arcsec) or one of pixels (Jy). 1 when the table
/// does not say. Throws kUnitMismatch naming the column and what it is in.
double factorTo(const Catalogue& table, const CatalogueColumn& column, const std::string& unit);

}  // namespace otf
