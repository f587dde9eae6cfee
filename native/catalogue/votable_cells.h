// What a VOTable's FIELD says of its cells, and its streams as bytes.
#pragma once

#include <string>
#include <string_view>

#include "catalogue/binary_rows.h"
#include "catalogue/input.h"

namespace otf::catalogue {

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
