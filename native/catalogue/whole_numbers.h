// Columns of numbers as they are read: whole numbers of more digits than a double keeps, such as identifiers of 64 bits, stay
// beside them digit by digit.
#pragma once

#include <cstdint>
#include <string_view>

#include "catalogue/catalogue.h"

namespace otf::catalogue {

/// Of a type that has whole numbers only.
void addWhole(CatalogueColumn& column, int64_t value);
void addWhole(CatalogueColumn& column, uint64_t value);
void addMissing(CatalogueColumn& column);
/// As a text has it; `value` is what it reads as, NaN = missing. One number of a column that is not made of digits alone takes
/// all of its digits away: the column is of measurements.
void addCell(CatalogueColumn& column, std::string_view cell, double value);

}  // namespace otf::catalogue
