// Units of columns, and what their numbers are in another.
#pragma once

#include <string>

#include "catalogue/catalogue.h"

namespace otf {

/// What a column's numbers are multiplied by to be in `unit`: an angle (deg, arcsec) or one of pixels (Jy). 1 when the table
/// does not say. Throws kUnitMismatch naming the column and what it is in.
double factorTo(const Catalogue& table, const CatalogueColumn& column, const std::string& unit);

}  // namespace otf
