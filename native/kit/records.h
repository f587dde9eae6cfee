// What the kit's programs measure: flat JSON objects, one a line, appended to a file as soon as they are known.
#pragma once

#include <string>

#include "process/flat_json.h"

namespace otf::kit {

class Records {
 public:
  /// `file` "": nothing is written. Throws kOutputUnwritable.
  explicit Records(std::string file) : file_(std::move(file)) {}
  void add(const process::FlatJson& record) const;

 private:
  std::string file_;
};

/// A number for people: three significant digits.
std::string rounded(double value);

/// JSON has no infinity and no NaN: those become text.
process::FlatJson& finite(process::FlatJson& record, std::string_view key, double value);

}  // namespace otf::kit
