// What a VOTable's FIELD says of its cells, and its streams as bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "catalogue/binary_rows.h"
#include "catalogue/input.h"

namespace otf::catalogue {

/// A column of the file.
struct Field {
  CellType type;
  bool isText = false, wanted = false;
  size_t column = 0;  // of the table, when it is wanted
  std::optional<double> null;
  std::optional<int64_t> longNull;  // a double would round it

  /// The number that stands for a missing one (VOTable 1.4, section 4.7, VALUES); "" = none.
  void takeNull(const std::string& text);
};

/// Without white space at both ends.
std::string_view trimmedCell(std::string_view text);
/// A cell of TABLEDATA. False: it is no number, and nothing is added.
bool addNumber(const Field& field, std::string_view cell, CatalogueColumn& column);
/// A scalar cell of BINARY2; null = flagged as missing.
void addNumber(const Field& field, const unsigned char* at, CatalogueColumn& column);

/// Of the attributes `datatype` and `arraysize` (VOTable 1.4, section 2.1). Fails through `input` for others.
CellType cellType(const std::string& datatype, const std::string& arraysize, const Input& input);

/// Of a name as Expat's XML_ParserCreateNS gives it: what stands behind namespace and blank.
std::string_view localName(std::string_view name);

/// Base64 in pieces to bytes.
class Base64 {
 public:
  explicit Base64(const Input& input) : input_(input) {}
  /// Appends what is whole by now to `out`. Fails through the input for anything else.
  void add(std::string_view text, std::string& out);

 private:
  const Input& input_;
  unsigned bits_ = 0;
  int count_ = 0;
};

}  // namespace otf::catalogue
