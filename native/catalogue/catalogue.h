// Tables of others, read into columns: text and CSV, VOTable, FITS binary tables.
// Everything in them is a stranger's: sizes are bounded before memory is taken, names are values and nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace otf {

struct CatalogueColumn {
  std::string name, unit, ucd, description;  // "" = not said
  std::string timeOrigin, timeScale;         // of the TIMESYS a column of a VOTable refers to; "" = not said
  bool isText = false;
  std::vector<double> numbers;     // NaN = missing
  std::vector<std::string> texts;  // "" = missing
  std::vector<int64_t> integers;   // in place of numbers, with CatalogueLimits::exact
  /// Beside numbers, where these are whole ones that a double rounds, such as identifiers of 64 bits; "" = missing. Else empty.
  std::vector<std::string> digits;
  bool isWhole = true;  // so far, of a text: nothing but whole numbers
};

struct Catalogue {
  std::string label;   // what messages call it
  std::string format;  // "text", "VOTable", "FITS"
  int64_t rows = 0;
  std::string cards;  // header of a FITS table (fits/header_values.h); "" = it is none
  bool named = true;  // false: a text table without a line of names, whose columns are col1, col2, ...
  std::vector<CatalogueColumn> columns;

  /// The first column of this name, whatever its case; null = none.
  const CatalogueColumn* find(const std::string& name) const;
  /// Numbers of the first of these columns there is. Throws kTableColumn naming what is wanted and what there is.
  const std::vector<double>& numbers(const std::vector<std::string>& names) const;
};

struct CatalogueLimits {
  int64_t maxRows = 100'000'000;
  int64_t maxColumns = 1000;
  int64_t maxBytes = int64_t{16} << 30;  // of the file
  /// Whole numbers of a FITS table as they are, which a double would round; their TNULL, TSCAL and TZERO do not count.
  bool exact = false;
};

/// Which columns are wanted: by place (0-based) and name.
using ColumnFilter = std::function<bool(size_t index, const std::string& name)>;

/// The first table of a file; `wanted` empty = every column. Arrays in cells are left out. `label` "" = the path.
/// Throws kTableUnreadable with the place of the fault.
Catalogue readCatalogue(const std::string& path, const ColumnFilter& wanted = {},
                        const CatalogueLimits& limits = {}, const std::string& label = {});

/// The first binary table of a FITS file with this EXTNAME; nullopt: it has none. Throws as readCatalogue.
std::optional<Catalogue> readNamedFitsTable(const std::string& path, const std::string& extname,
                                            const CatalogueLimits& limits = {},
                                            const std::string& label = {});

}  // namespace otf
