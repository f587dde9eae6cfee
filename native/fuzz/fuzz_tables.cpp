// Any bytes are a table or a kTableUnreadable; columns of what is accepted have as many values as there are rows.
#include "catalogue/catalogue.h"
#include "fuzz/support.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otf;
  using fuzz::require;
  const fuzz::MemoryFile file(data, size);
  CatalogueLimits limits;
  limits.maxRows = 100'000;
  limits.maxColumns = 200;
  Catalogue table;
  try {
    table = readCatalogue(file.path(), {}, limits, "table");
  } catch (const OtfError& error) {
    require(error.code() == Code::kTableUnreadable, "the error of a malformed table is kTableUnreadable");
    return 0;
  }
  require(table.rows >= 0 && table.rows <= limits.maxRows, "rows are bounded");
  require(table.columns.size() <= static_cast<size_t>(limits.maxColumns), "columns are bounded");
  for (const CatalogueColumn& column : table.columns) {
    const size_t values = column.isText ? column.texts.size() : column.numbers.size();
    require(values == static_cast<size_t>(table.rows), "a column has a value for every row");
    require(column.isText ? column.numbers.empty() : column.texts.empty(), "a column is of one kind");
  }
  return 0;
}
