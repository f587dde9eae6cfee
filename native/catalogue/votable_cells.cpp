#include "catalogue/votable_cells.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "catalogue/whole_numbers.h"
#include "fits/header_values.h"

namespace otf::catalogue {
namespace {

constexpr int kBlank = -1, kBad = -2;

int valueOf(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return c == '=' || c == ' ' || c == '\n' || c == '\r' || c == '\t' ? kBlank : kBad;
}

bool isLong(const Field& field) { return field.type.kind == CellType::Kind::kLong; }

void addLong(const Field& field, int64_t value, CatalogueColumn& column) {
  if (value == field.longNull) return addMissing(column);
  addWhole(column, value);
}

}  // namespace

void Field::takeNull(const std::string& text) {
  double value = 0;
  if (!parseCell(trimmedCell(text), value) || std::isnan(value)) return;
  null = value;
  longNull = fits::wholeOf(trimmedCell(text));
}

std::string_view trimmedCell(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

bool addNumber(const Field& field, std::string_view cell, CatalogueColumn& column) {
  if (const auto whole = isLong(field) ? fits::wholeOf(cell) : std::nullopt) {
    addLong(field, *whole, column);
    return true;
  }
  if (cell == "T" || cell == "true") cell = "1";
  if (cell == "F" || cell == "false") cell = "0";
  double value = 0;
  if (!parseCell(cell, value)) return false;
  if (std::isnan(value) || value == field.null) {
    addMissing(column);
  } else if (isLong(field)) {
    addCell(column, cell, value);
  } else {
    column.numbers.push_back(value);
  }
  return true;
}

void addNumber(const Field& field, const unsigned char* at, CatalogueColumn& column) {
  if (!at) return addMissing(column);
  if (isLong(field)) return addLong(field, cellInteger(field.type.kind, at), column);
  const double value = cellNumber(field.type.kind, at);
  if (value == field.null) return addMissing(column);
  column.numbers.push_back(value);
}

CellType cellType(const std::string& datatype, const std::string& arraysize, const Input& input) {
  using Kind = CellType::Kind;
  static const std::map<std::string, Kind> kKinds{{"boolean", Kind::kLogical},
                                                  {"bit", Kind::kBits},
                                                  {"unsignedByte", Kind::kByte},
                                                  {"short", Kind::kShort},
                                                  {"int", Kind::kInt},
                                                  {"long", Kind::kLong},
                                                  {"char", Kind::kChar},
                                                  {"unicodeChar", Kind::kWideChar},
                                                  {"float", Kind::kFloat},
                                                  {"double", Kind::kDouble},
                                                  {"floatComplex", Kind::kComplex},
                                                  {"doubleComplex", Kind::kDoubleComplex}};
  const auto kind = kKinds.find(datatype);
  if (kind == kKinds.end()) input.fail("a FIELD of it has no known datatype");
  CellType type{kind->second, 1};
  std::string_view rest = arraysize;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('x'), rest.size());
    const std::string_view part = rest.substr(0, end);
    int64_t size = 0;
    if (part.ends_with('*')) {
      type.count = -1;
      break;
    }
    const auto [stop, error] = std::from_chars(part.data(), part.data() + part.size(), size);
    constexpr int64_t kMostValues = 1 << 20;
    if (error != std::errc{} || stop != part.data() + part.size() || size < 0 || size > kMostValues ||
        type.count * size > kMostValues)
      input.fail("a FIELD of it has an arraysize that cannot be read");
    type.count *= size;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return type;
}

void Base64::add(std::string_view text, std::string& out) {
  for (const char c : text) {
    const int value = valueOf(c);
    if (value == kBlank) continue;
    if (value == kBad) input_.fail("its stream is no base64");
    bits_ = bits_ << 6 | static_cast<unsigned>(value);
    count_ += 6;
    if (count_ < 8) continue;
    count_ -= 8;
    out.push_back(static_cast<char>(bits_ >> count_ & 0xff));
  }
}

std::string_view localName(std::string_view name) {
  const size_t space = name.rfind(' ');
  return space == std::string_view::npos ? name : name.substr(space + 1);
}

}  // namespace otf::catalogue
