// Numbers and rows as text. That the digits are the shortest is
// checked against another implementation in test/results-text.test.ts.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "error/error.h"
#include "table/number_text.h"
#include "table/row_text.h"

using namespace otf;

namespace {

template <typename Value>
std::string text(Value value) {
  std::string out = ">";
  appendNumber(out, value);
  return out;
}

}  // namespace

TEST_CASE("numbers are laid out as ECMAScript does") {
  CHECK(text(0.0) == ">0");
  CHECK(text(-0.0) == ">0");
  CHECK(text(1.0) == ">1");
  CHECK(text(-1.5) == ">-1.5");
  CHECK(text(123456789012345680000.0) == ">123456789012345680000");
  CHECK(text(1e21) == ">1e+21");
  CHECK(text(1.25e22) == ">1.25e+22");
  CHECK(text(0.000001) == ">0.000001");
  CHECK(text(1e-7) == ">1e-7");
  CHECK(text(-1.5e-7) == ">-1.5e-7");
  CHECK(text(0.1) == ">0.1");
  CHECK(text(0.1F) == ">0.1");
  CHECK(text(static_cast<double>(0.1F)) == ">0.10000000149011612");
  CHECK(text(1.0F / 3) == ">0.33333334");
  CHECK(text(16777216.0F) == ">16777216");
  CHECK(text(std::numeric_limits<double>::max()) == ">1.7976931348623157e+308");
  CHECK(text(std::numeric_limits<double>::denorm_min()) == ">5e-324");
  CHECK(text(std::numeric_limits<float>::max()) == ">3.4028235e+38");
}

TEST_CASE("numbers read back as they were") {
  std::mt19937_64 draw(7);
  for (int i = 0; i < 20000; ++i) {
    const uint64_t bits = draw();
    double value = 0;
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value)) continue;
    CHECK(std::strtod(text(value).c_str() + 1, nullptr) == value);
    const auto single = static_cast<float>(value);
    if (std::isfinite(single)) CHECK(std::strtof(text(single).c_str() + 1, nullptr) == single);
  }
}

TEST_CASE("rows have their cells between the texts asked for, and a word for what is missing") {
  const std::vector<double> a{1, NAN, 1e39, 4};
  const std::vector<double> b{0.5, INFINITY, 2, 3};
  const std::vector<Cells> columns{NumberCells{NumberCells::Type::kFloat, a}, TextCells{"x", "y", "z", "w"},
                                   NumberCells{NumberCells::Type::kInt, b}};
  const RowForm form{{"<", "|", "|"}, ">", "none"};
  CHECK(rowText(form, columns, 3) == "<1|x|0.5><none|y|none><none|z|2>");
  CHECK(rowText(form, columns, 4).ends_with("<4|w|3>"));
  CHECK(rowText(form, columns, 0).empty());
  CHECK_THROWS_AS(rowText(form, columns, 5), OtfError);
  CHECK_THROWS_AS(rowText(form, columns, -1), OtfError);
  CHECK_THROWS_AS(rowText({{"<"}, ">", ""}, columns, 1), OtfError);
}

TEST_CASE("many rows are the same whatever number of threads makes them") {
  std::mt19937_64 draw(11);
  std::vector<double> values(5000);
  TextCells names;
  for (double& value : values) {
    value = std::ldexp(static_cast<double>(draw()), -60);
    names.push_back(std::to_string(names.size()));
  }
  const std::vector<Cells> columns{TextCells(names), NumberCells{NumberCells::Type::kDouble, values}};
  const RowForm form{{"", ","}, "\n", ""};
  const auto rows = static_cast<int64_t>(values.size());
  const std::string one = rowText(form, columns, rows, 1);
  CHECK(std::count(one.begin(), one.end(), '\n') == rows);
  for (const int threads : {2, 3, 64}) CHECK(rowText(form, columns, rows, threads) == one);
  CHECK(one.starts_with(rowText(form, columns, 513, 2)));
}
