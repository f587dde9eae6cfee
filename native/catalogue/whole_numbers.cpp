#include "catalogue/whole_numbers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>

namespace otf::catalogue {
namespace {

constexpr double kFirstRounded = 9007199254740992;  // 2^53

/// All digits of a whole double.
std::string digitsOf(double value) {
  std::array<char, 400> text{};
  std::snprintf(text.data(), text.size(), "%.0f", value == 0 ? 0 : value);
  return text.data();
}

bool isDigits(std::string_view cell) {
  if (cell.starts_with('+') || cell.starts_with('-')) cell.remove_prefix(1);
  return !cell.empty() && cell.find_first_not_of("0123456789") == std::string_view::npos;
}

/// Without a plus and leading zeros: one number has one text.
std::string plainDigits(std::string_view cell) {
  const bool negative = cell.starts_with('-');
  cell.remove_prefix(std::min(cell.find_first_not_of("+-0"), cell.size()));
  return cell.empty() ? "0" : (negative ? "-" : "") + std::string(cell);
}

/// `digits` gives them: most columns never ask.
template <typename Digits>
void add(CatalogueColumn& column, double value, const Digits& digits) {
  if (!column.digits.empty()) {
    column.digits.push_back(digits());
  } else if (std::abs(value) >= kFirstRounded) {
    std::string exact = digits();
    if (exact != digitsOf(value)) {
      for (const double before : column.numbers)
        column.digits.push_back(std::isnan(before) ? "" : digitsOf(before));
      column.digits.push_back(std::move(exact));
    }
  }
  column.numbers.push_back(value);
}

}  // namespace

void addWhole(CatalogueColumn& column, int64_t value) {
  add(column, static_cast<double>(value), [&] { return std::to_string(value); });
}

void addWhole(CatalogueColumn& column, uint64_t value) {
  add(column, static_cast<double>(value), [&] { return std::to_string(value); });
}

void addMissing(CatalogueColumn& column) {
  if (!column.digits.empty()) column.digits.emplace_back();
  column.numbers.push_back(std::numeric_limits<double>::quiet_NaN());
}

void addCell(CatalogueColumn& column, std::string_view cell, double value) {
  if (std::isnan(value)) return addMissing(column);
  if (column.isWhole && isDigits(cell)) return add(column, value, [&] { return plainDigits(cell); });
  column.isWhole = false;
  column.digits.clear();
  column.numbers.push_back(value);
}

}  // namespace otf::catalogue
