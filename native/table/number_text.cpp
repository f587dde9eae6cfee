#include "table/number_text.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <string_view>

namespace otf {
namespace {

constexpr int kMostPlainDigits = 21;
constexpr int kMostLeadingZeros = 5;

/// `digits` without a point; the point stands after the first `point` of them (or that many zeros before).
void layOut(std::string& out, std::string_view digits, int point) {
  const int count = static_cast<int>(digits.size());
  if (count <= point && point <= kMostPlainDigits) {
    out.append(digits).append(static_cast<size_t>(point - count), '0');
  } else if (0 < point && point <= kMostPlainDigits) {
    out.append(digits.substr(0, static_cast<size_t>(point)));
    out.append(1, '.').append(digits.substr(static_cast<size_t>(point)));
  } else if (-kMostLeadingZeros <= point && point <= 0) {
    out.append("0.").append(static_cast<size_t>(-point), '0').append(digits);
  } else {
    out.append(digits.substr(0, 1));
    if (count > 1) out.append(1, '.').append(digits.substr(1));
    out.append(point > 0 ? "e+" : "e-").append(std::to_string(point > 0 ? point - 1 : 1 - point));
  }
}

template <typename Value>
void append(std::string& out, Value value) {
  if (value == 0) {
    out.append(1, '0');
    return;
  }
  std::array<char, 40> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific).ptr;
  // -d.ddde-xx
  std::string_view all(text.data(), static_cast<size_t>(end - text.data()));
  if (all.front() == '-') {
    out.append(1, '-');
    all.remove_prefix(1);
  }
  const size_t mark = all.find('e');
  int exponent = 0;
  const size_t sign = all[mark + 1] == '+' ? 1 : 0;
  std::from_chars(all.data() + mark + 1 + sign, all.data() + all.size(), exponent);
  std::array<char, 24> digits{};
  size_t count = 0;
  for (size_t i = 0; i < mark; ++i)
    if (all[i] != '.') digits[count++] = all[i];
  layOut(out, {digits.data(), count}, exponent + 1);
}

}  // namespace

void appendNumber(std::string& out, double value) { append(out, value); }
void appendNumber(std::string& out, float value) { append(out, value); }

}  // namespace otf
