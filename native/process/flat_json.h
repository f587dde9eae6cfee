// One flat JSON object on one line: what `ready`, `described` and `benched` carry.
#pragma once

#include <string>
#include <string_view>

namespace otf::process {

/// Builds {"key":value,...}. Text is taken as UTF-8; control characters are escaped.
class FlatJson {
 public:
  FlatJson& text(std::string_view key, std::string_view value);
  FlatJson& number(std::string_view key, double value);
  FlatJson& number(std::string_view key, int64_t value);
  std::string str() const { return body_ + "}"; }

 private:
  void key(std::string_view key);
  std::string body_ = "{";
};

/// Fields of an object FlatJson wrote: not a parser of JSON at large. Throw kInternal when the key is not there.
std::string jsonText(std::string_view object, std::string_view key);
double jsonNumber(std::string_view object, std::string_view key);

}  // namespace otf::process
