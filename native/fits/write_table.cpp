#include <algorithm>
#include <cmath>
#include <limits>

#include "fits/fits.h"
#include "fits/output_file.h"
#include "fits/table_hdu.h"
#include "fits/write_keys.h"

namespace otf {
namespace {

using Type = FitsColumn::Type;

size_t rowsOf(const FitsColumn& column) {
  if (column.type == Type::kLong) return column.longs.size();
  return column.type == Type::kText ? column.text.size() : column.numbers.size();
}

bool fitsIn32Bits(const FitsColumn& column) {
  // -2^31 itself is TNULL.
  return std::all_of(column.numbers.begin(), column.numbers.end(),
                     [](double v) { return std::isnan(v) || std::abs(v) <= 2147483647.0; });
}

/// One column, ready for CFITSIO: TFORM, and for integers the value that stands for missing.
struct Prepared {
  std::string form;
  int64_t null = 0;
};

Prepared prepare(const FitsColumn& column) {
  switch (column.type) {
    case Type::kText: {
      size_t longest = 1;
      for (const std::string& text : column.text) longest = std::max(longest, fits::asciiText(text).size());
      return {std::to_string(longest) + "A"};
    }
    case Type::kFloat:
      return {"1E"};
    case Type::kDouble:
      return {"1D"};
    case Type::kLong:
      return {"1K"};
    case Type::kInt:
      break;
  }
  if (fitsIn32Bits(column)) return {"1J", std::numeric_limits<int32_t>::min()};
  return {"1K", std::numeric_limits<int64_t>::min()};
}

void describeColumn(fits::OutputFile& file, const FitsColumn& column, const Prepared& prepared, int number) {
  const auto key = [&](const char* stem, const std::string& text) {
    if (text.empty()) return;
    const std::string name = stem + std::to_string(number), value = fits::asciiText(text);
    file.run([&](int* status) {
      fits_update_key_longstr(file.get(), name.c_str(), value.c_str(), nullptr, status);
    });
  };
  key("TUCD", column.ucd);
  key("TCOMM", column.description);
  if (column.type == Type::kInt) {
    const std::string name = "TNULL" + std::to_string(number);
    file.run([&](int* status) {
      fits_update_key_lng(file.get(), name.c_str(), prepared.null, "missing value", status);
    });
    // CFITSIO reads column properties when the header is parsed; TNULL came later.
    file.run([&](int* status) { fits_set_btblnull(file.get(), number, prepared.null, status); });
  }
}

int64_t toInteger(double value, int64_t null) {
  constexpr double kLimit = 9223372036854774784.0;  // the largest double below 2^63
  if (std::isnan(value)) return null;
  return static_cast<int64_t>(std::clamp(std::round(value), -kLimit, kLimit));
}

void writeCells(fits::OutputFile& file, const FitsColumn& column, const Prepared& prepared, int number,
                size_t first, size_t count) {
  const auto row = static_cast<LONGLONG>(first) + 1, cells = static_cast<LONGLONG>(count);
  if (column.type == Type::kText) {
    std::vector<std::string> text(count);
    std::vector<char*> pointers(count);
    for (size_t i = 0; i < count; ++i) {
      text[i] = fits::asciiText(column.text[first + i]);
      pointers[i] = text[i].data();
    }
    file.run([&](int* s) { fits_write_col(file.get(), TSTRING, number, row, 1, cells, pointers.data(), s); });
  } else if (column.type == Type::kLong) {
    std::vector<LONGLONG> values(column.longs.begin() + static_cast<ptrdiff_t>(first),
                                 column.longs.begin() + static_cast<ptrdiff_t>(first + count));
    file.run([&](int* s) { fits_write_col(file.get(), TLONGLONG, number, row, 1, cells, values.data(), s); });
  } else if (column.type == Type::kInt) {
    std::vector<LONGLONG> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = toInteger(column.numbers[first + i], prepared.null);
    file.run([&](int* s) { fits_write_col(file.get(), TLONGLONG, number, row, 1, cells, values.data(), s); });
  } else if (column.type == Type::kFloat) {
    std::vector<float> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = static_cast<float>(column.numbers[first + i]);
    file.run([&](int* s) { fits_write_col(file.get(), TFLOAT, number, row, 1, cells, values.data(), s); });
  } else {
    std::vector<double> values(column.numbers.begin() + static_cast<ptrdiff_t>(first),
                               column.numbers.begin() + static_cast<ptrdiff_t>(first + count));
    file.run([&](int* s) { fits_write_col(file.get(), TDOUBLE, number, row, 1, cells, values.data(), s); });
  }
}

}  // namespace

void fits::appendTable(fits::OutputFile& file, const std::string& extname,
                       std::span<const FitsColumn> columns, std::span<const FitsKey> keys) {
  const size_t rows = columns.empty() ? 0 : rowsOf(columns.front());
  std::vector<Prepared> prepared;
  for (const FitsColumn& column : columns) {
    if (rowsOf(column) != rows) {
      throw OtfError(Code::kInvalidArgument, "table column " + column.name + " has " +
                                                 std::to_string(rowsOf(column)) + " rows instead of " +
                                                 std::to_string(rows));
    }
    prepared.push_back(prepare(column));
  }

  std::vector<std::string> names, units;
  for (const FitsColumn& column : columns) {
    names.push_back(fits::asciiText(column.name));
    units.push_back(fits::asciiText(column.unit));
  }
  std::vector<char*> types, forms, unitTexts;
  for (size_t i = 0; i < columns.size(); ++i) {
    types.push_back(names[i].data());
    forms.push_back(prepared[i].form.data());
    unitTexts.push_back(units[i].data());
  }

  const std::string extension = fits::asciiText(extname);
  file.run([&](int* status) {
    fits_create_tbl(file.get(), BINARY_TBL, static_cast<LONGLONG>(rows), static_cast<int>(columns.size()),
                    types.data(), forms.data(), unitTexts.data(), extension.c_str(), status);
  });
  for (size_t i = 0; i < columns.size(); ++i)
    describeColumn(file, columns[i], prepared[i], static_cast<int>(i) + 1);
  fits::writeKeys(file, keys);

  // Rows in runs that CFITSIO's buffers hold, so that the file is written from front to back.
  long run = 1;
  file.run([&](int* status) { fits_get_rowsize(file.get(), &run, status); });
  const size_t step = std::max<size_t>(static_cast<size_t>(std::max(run, 1L)), 1);
  for (size_t first = 0; first < rows; first += step) {
    const size_t count = std::min(step, rows - first);
    for (size_t i = 0; i < columns.size(); ++i) {
      writeCells(file, columns[i], prepared[i], static_cast<int>(i) + 1, first, count);
    }
  }
}

void writeFitsTable(const std::string& path, const std::string& extname, std::span<const FitsColumn> columns,
                    std::span<const FitsKey> keys) {
  fits::OutputFile file(path);
  fits::appendTable(file, extname, columns, keys);
  file.commit();
}

}  // namespace otf
