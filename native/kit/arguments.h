// `--name value` pairs of the kit's programs.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace otf::kit {

class Arguments {
 public:
  /// Throws kInvalidArgument for a name that is not `known`, and for one without a value.
  Arguments(int count, char** values, std::initializer_list<std::string_view> known);
  /// Throws kInvalidArgument when it is not there.
  const std::string& text(const std::string& name) const;
  std::string text(const std::string& name, const std::string& otherwise) const;
  /// Whole numbers from 1 up, separated by commas. Throws kInvalidArgument.
  std::vector<int> counts(const std::string& name, const std::string& otherwise) const;
  int count(const std::string& name, int otherwise) const;

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace otf::kit
