// Rows of a table as text: what most of the time of writing a catalogue goes into.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace otf {

struct NumberCells {
  enum class Type { kFloat, kDouble, kInt };
  Type type = Type::kDouble;
  std::span<const double> values;  // not finite = missing
};
/// Already as they are to appear.
using TextCells = std::vector<std::string>;
using Cells = std::variant<NumberCells, TextCells>;

struct RowForm {
  std::vector<std::string> before;  // what precedes each cell
  std::string end;                  // what follows the last
  std::string missing;
};

/// The first `count` rows, cells in the order of `columns`. Throws kInvalidArgument when a column is
/// shorter or `before` has not one entry a column. A value of an integer column that has a fraction keeps it. The same for
/// every number of `threads`.
std::string rowText(const RowForm& form, std::span<const Cells> columns, int64_t count, int threads = 1);

}  // namespace otf
