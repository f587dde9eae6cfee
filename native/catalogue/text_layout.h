// Lines of text tables as cells, and what the first of them tell of the rest.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "catalogue/input.h"

namespace otf::catalogue {

using Cells = std::vector<std::string_view>;

/// Without blanks at both ends.
std::string_view trimmed(std::string_view text);

/// A line as it is split: without blanks at both ends, a tab being a cell's end there, too; "" = there is nothing in it.
std::string_view lineOf(std::string_view raw);

/// Cells of a line. One of a comma or a tab, `'\0'` = blanks between. They are views into the line, or into what had doubled quotes, which
/// is kept until the next line.
class Splitter {
 public:
  explicit Splitter(char comma) : comma_(comma) {}
  const Cells& split(std::string_view line);

 private:
  void splitBlanks(std::string_view line);
  void splitCommas(std::string_view line);
  size_t quoted(std::string_view line, size_t from);

  char comma_;
  Cells cells_;
  std::vector<std::unique_ptr<std::string>> unquoted_;
};

/// What the first lines tell of the rest.
struct TextLayout {
  char comma = '\0';
  std::vector<std::string> names;
  bool named = false;
  std::vector<bool> isText;
  double bytesPerRow = 64;
  size_t firstRow = 0;  // lines before it are headings
};

/// `sample`: how the file begins; `whole`: it is all of it. Fails through `input`.
TextLayout layoutOf(std::string_view sample, bool whole, const Input& input, const CatalogueLimits& limits);

}  // namespace otf::catalogue
