#include "kit/arguments.h"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "error/error.h"

namespace otf::kit {

Arguments::Arguments(int count, char** values, std::initializer_list<std::string_view> known) {
  for (int i = 0; i < count; ++i) {
    const std::string_view name = values[i];
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw OtfError(Code::kInvalidArgument, "no argument '" + std::string(name) + "' here");
    if (i + 1 == count) throw OtfError(Code::kInvalidArgument, std::string(name) + " needs a value");
    values_[std::string(name)] = values[++i];
  }
}

const std::string& Arguments::text(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) throw OtfError(Code::kInvalidArgument, name + " is needed");
  return found->second;
}

std::string Arguments::text(const std::string& name, const std::string& otherwise) const {
  const auto found = values_.find(name);
  return found == values_.end() ? otherwise : found->second;
}

std::vector<int> Arguments::counts(const std::string& name, const std::string& otherwise) const {
  std::vector<int> list;
  std::istringstream words(text(name, otherwise));
  for (std::string word; std::getline(words, word, ',');) {
    int value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size() || value < 1 || value > 1'000'000)
      throw OtfError(Code::kInvalidArgument, name + " cannot hold '" + word + "'");
    list.push_back(value);
  }
  if (list.empty()) throw OtfError(Code::kInvalidArgument, name + " is empty");
  return list;
}

int Arguments::count(const std::string& name, int otherwise) const {
  return counts(name, std::to_string(otherwise)).front();
}

}  // namespace otf::kit
