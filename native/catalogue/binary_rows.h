// Rows of binary cells, big endian: VOTable's BINARY2 and FITS binary tables have the same ones.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "catalogue/catalogue.h"

namespace otf::catalogue {

/// One cell: `count` values of a type; -1 = as many as four bytes before them say.
struct CellType {
  enum class Kind {
    kLogical,
    kBits,
    kByte,
    kShort,
    kInt,
    kLong,
    kChar,
    kWideChar,
    kFloat,
    kDouble,
    kComplex,
    kDoubleComplex
  } kind = Kind::kFloat;
  int64_t count = 1;

  int64_t valueBytes() const;
  /// Of `values` of them; bits are padded to bytes.
  int64_t bytes(int64_t values) const;
  /// One number, or a text.
  bool isScalar() const;
  bool isText() const { return kind == Kind::kChar || kind == Kind::kWideChar; }
};

/// The number in a scalar cell that is no text; logical true = 1, false = 0, else NaN.
double cellNumber(CellType::Kind kind, const unsigned char* at);

/// Of a cell of kShort, kInt or kLong.
int64_t cellInteger(CellType::Kind kind, const unsigned char* at);

/// Printable text of char cells: up to the first NUL, without blanks at its end.
std::string cellText(CellType::Kind kind, std::span<const unsigned char> bytes);

}  // namespace otf::catalogue
