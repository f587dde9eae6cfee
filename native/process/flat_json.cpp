#include "process/flat_json.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>

#include "error/error.h"

namespace otf::process {
namespace {

[[noreturn]] void missing(std::string_view object, std::string_view key) {
  throw OtfError(Code::kInternal, "a process of ours said no '" + std::string(key) +
                                      "' in: " + std::string(object.substr(0, 200)));
}

/// What follows "key": . Text values cannot hold that sequence: their quotes are escaped.
std::string_view valueOf(std::string_view object, std::string_view key) {
  const std::string marker = "\"" + std::string(key) + "\":";
  const size_t at = object.find(marker);
  if (at == std::string_view::npos) missing(object, key);
  return object.substr(at + marker.size());
}

}  // namespace

void FlatJson::key(std::string_view key) {
  if (body_.size() > 1) body_ += ',';
  body_ += '"';
  body_ += key;
  body_ += "\":";
}

FlatJson& FlatJson::text(std::string_view name, std::string_view value) {
  key(name);
  body_ += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      body_ += '\\';
      body_ += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      body_ += escape;
    } else {
      body_ += c;
    }
  }
  body_ += '"';
  return *this;
}

FlatJson& FlatJson::number(std::string_view name, double value) {
  key(name);
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  body_.append(digits.data(), end);
  return *this;
}

FlatJson& FlatJson::number(std::string_view name, int64_t value) {
  key(name);
  body_ += std::to_string(value);
  return *this;
}

std::string jsonText(std::string_view object, std::string_view key) {
  std::string_view rest = valueOf(object, key);
  if (rest.empty() || rest[0] != '"') missing(object, key);
  std::string text;
  for (size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"') return text;
    if (rest[i] != '\\') {
      text += rest[i];
    } else if (i + 5 < rest.size() && rest[i + 1] == 'u') {
      text += ' ';  // a control character
      i += 5;
    } else if (++i < rest.size()) {
      text += rest[i];
    }
  }
  missing(object, key);
}

double jsonNumber(std::string_view object, std::string_view key) {
  const std::string_view rest = valueOf(object, key);
  double value = 0;
  if (std::from_chars(rest.data(), rest.data() + rest.size(), value).ec != std::errc()) missing(object, key);
  return value;
}

}  // namespace otf::process
