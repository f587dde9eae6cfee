#include "catalogue/binary_rows.h"

#include <bit>
#include <limits>

namespace otf::catalogue {
namespace {

template <typename Int>
Int bigEndian(const unsigned char* at) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(Int); ++i) value = value << 8 | at[i];
  return static_cast<Int>(value);
}

}  // namespace

int64_t CellType::valueBytes() const {
  switch (kind) {
    case Kind::kLogical:
    case Kind::kBits:
    case Kind::kByte:
    case Kind::kChar:
      return 1;
    case Kind::kShort:
    case Kind::kWideChar:
      return 2;
    case Kind::kInt:
    case Kind::kFloat:
      return 4;
    case Kind::kLong:
    case Kind::kDouble:
    case Kind::kComplex:
      return 8;
    case Kind::kDoubleComplex:
      return 16;
  }
  return 1;
}

int64_t CellType::bytes(int64_t values) const {
  return kind == Kind::kBits ? (values + 7) / 8 : values * valueBytes();
}

bool CellType::isScalar() const {
  if (isText()) return true;
  return count == 1 && kind != Kind::kBits && kind != Kind::kComplex && kind != Kind::kDoubleComplex;
}

double cellNumber(CellType::Kind kind, const unsigned char* at) {
  using Kind = CellType::Kind;
  switch (kind) {
    case Kind::kLogical:
      if (*at == 'T' || *at == 't' || *at == '1') return 1;
      if (*at == 'F' || *at == 'f' || *at == '0') return 0;
      break;
    case Kind::kByte:
      return *at;
    case Kind::kShort:
      return bigEndian<int16_t>(at);
    case Kind::kInt:
      return bigEndian<int32_t>(at);
    case Kind::kLong:
      return static_cast<double>(bigEndian<int64_t>(at));
    case Kind::kFloat:
      return std::bit_cast<float>(bigEndian<uint32_t>(at));
    case Kind::kDouble:
      return std::bit_cast<double>(bigEndian<uint64_t>(at));
    default:
      break;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

int64_t cellInteger(CellType::Kind kind, const unsigned char* at) {
  if (kind == CellType::Kind::kShort) return bigEndian<int16_t>(at);
  if (kind == CellType::Kind::kInt) return bigEndian<int32_t>(at);
  return bigEndian<int64_t>(at);
}

std::string cellText(CellType::Kind kind, std::span<const unsigned char> bytes) {
  std::string text;
  const size_t step = kind == CellType::Kind::kWideChar ? 2 : 1;
  for (size_t i = 0; i + step <= bytes.size(); i += step) {
    const unsigned code = step == 2 ? bigEndian<uint16_t>(&bytes[i]) : bytes[i];
    if (code == 0) break;
    // UTF-8 stays as it is in char cells (VOTable 1.4, section 2.1 note); UCS-2 outside ASCII is not turned into it.
    text.push_back(code < 0x20 || code == 0x7f || (step == 2 && code > 0x7e) ? '?' : static_cast<char>(code));
  }
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

}  // namespace otf::catalogue
