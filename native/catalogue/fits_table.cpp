// The first binary table of a FITS file (FITS Standard 4.0, section 7.3), read here and not by CFITSIO, which trusts what a
// stranger's header says.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "catalogue/binary_rows.h"
#include "catalogue/input.h"
#include "catalogue/whole_numbers.h"
#include "fits/header_values.h"

namespace otf::catalogue {
namespace {

constexpr size_t kBlockBytes = 2880, kCardBytes = 80;
constexpr size_t kMostHeaderBytes = size_t{4} << 20;
constexpr int64_t kMostRowBytes = int64_t{1} << 24;
constexpr size_t kPieceBytes = size_t{4} << 20;

struct Header {
  std::string cards;
  uint64_t dataOffset = 0;

  std::string text(const std::string& name) const {
    const fits::CardValue value = fits::findValue(cards, name);
    std::string found = value.kind == fits::CardValue::Kind::kText ? value.text : "";
    while (found.ends_with(' ')) found.pop_back();
    return found;
  }
  std::optional<double> number(const std::string& name) const {
    return fits::numberOf(fits::findValue(cards, name));
  }
};

class FitsTableReader {
 public:
  FitsTableReader(const Input& input, const ColumnFilter& wanted, const CatalogueLimits& limits)
      : input_(input), wanted_(wanted), limits_(limits) {
    table_.label = input.label();
    table_.format = "FITS";
  }

  std::optional<Catalogue> read(const std::string& extname) {
    for (uint64_t offset = 0; offset < input_.size();) {
      // FITS Standard 4.0, 3.5: what follows the last extension is none, whatever it is.
      if (offset > 0 && !startsExtension(offset)) break;
      const Header header = readHeader(offset);
      if (header.text("XTENSION") == "BINTABLE" && (extname.empty() || header.text("EXTNAME") == extname))
        return readRows(header);
      offset = header.dataOffset + padded(dataBytes(header));
    }
    return std::nullopt;
  }

 private:
  struct Cell {
    CellType type;
    int64_t offset = 0;
    double scale = 1, zero = 0;
    std::optional<double> null;
    std::optional<int64_t> longNull;  // a double would round it

    /// Of 64 bits with a sign, or without one (FITS Standard 4.0, 7.3.2, table 19).
    bool isLong() const { return type.kind == CellType::Kind::kLong && scale == 1 && zero == 0; }
    bool isUnsignedLong() const { return type.kind == CellType::Kind::kLong && scale == 1 && zero == 0x1p63; }
  };

  static bool isWhole(CellType::Kind kind) {
    return kind == CellType::Kind::kShort || kind == CellType::Kind::kInt || kind == CellType::Kind::kLong;
  }

  static uint64_t padded(uint64_t bytes) { return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes; }

  bool startsExtension(uint64_t offset) const {
    constexpr std::string_view kStart = "XTENSION";
    std::array<char, kStart.size()> start{};
    return input_.read(offset, start) == start.size() &&
           std::string_view(start.data(), start.size()) == kStart;
  }

  Header readHeader(uint64_t offset) const {
    Header header;
    std::array<char, kBlockBytes> block{};
    while (header.cards.size() < kMostHeaderBytes) {
      if (input_.read(offset, block) < kBlockBytes) input_.fail("it ends inside a header");
      offset += kBlockBytes;
      for (size_t at = 0; at < kBlockBytes; at += kCardBytes) {
        const std::string_view card(&block[at], kCardBytes);
        header.cards += fits::printableCards(card);
        if (!card.starts_with("END ")) continue;
        header.dataOffset = offset;
        return header;
      }
    }
    input_.fail("a header of it is too long");
  }

  int64_t count(const Header& header, const std::string& name, int64_t otherwise, int64_t most) const {
    const fits::CardValue card = fits::findValue(header.cards, name);
    if (card.kind == fits::CardValue::Kind::kAbsent && otherwise >= 0) return otherwise;
    const std::optional<double> value = fits::numberOf(card);
    if (!value || *value < 0 || *value > static_cast<double>(most) || *value != std::floor(*value))
      input_.fail("its " + name + " is no number from 0 to " + std::to_string(most));
    return static_cast<int64_t>(*value);
  }

  /// FITS Standard 4.0, 4.4.1.2: |BITPIX| / 8 * GCOUNT * (PCOUNT + the product of the axes).
  uint64_t dataBytes(const Header& header) const {
    constexpr int64_t kMostSize = int64_t{1} << 50;
    const auto bitpix = fits::numberOf(fits::findValue(header.cards, "BITPIX"));
    if (!bitpix || !(std::abs(*bitpix) <= 64)) input_.fail("its BITPIX cannot be read");
    const int64_t axes = count(header, "NAXIS", -1, 999);
    double values = axes == 0 ? 0 : 1;
    for (int64_t axis = 1; axis <= axes; ++axis)
      values *= static_cast<double>(count(header, "NAXIS" + std::to_string(axis), -1, kMostSize));
    values += static_cast<double>(count(header, "PCOUNT", 0, kMostSize));
    const double bytes =
        values * static_cast<double>(count(header, "GCOUNT", 1, kMostSize)) * std::abs(*bitpix) / 8;
    if (bytes > static_cast<double>(input_.size()))
      input_.fail("it ends before the data its header promises");
    return static_cast<uint64_t>(bytes);
  }

  CellType typeOf(const std::string& form, int64_t column) const {
    using Kind = CellType::Kind;
    int64_t repeat = 1;
    const auto [letter, error] = std::from_chars(form.data(), form.data() + form.size(), repeat);
    const bool given = error == std::errc{};
    constexpr std::string_view kLetters = "LXBIJKAEDCM";
    constexpr std::array kKinds{Kind::kLogical, Kind::kBits,    Kind::kByte,         Kind::kShort,
                                Kind::kInt,     Kind::kLong,    Kind::kChar,         Kind::kFloat,
                                Kind::kDouble,  Kind::kComplex, Kind::kDoubleComplex};
    const size_t at = given ? static_cast<size_t>(letter - form.data()) : 0;
    if (at < form.size() && (form[at] == 'P' || form[at] == 'Q')) {
      // Descriptors of arrays in the heap: passed over.
      return {Kind::kByte, (given ? repeat : 1) * (form[at] == 'P' ? 8 : 16)};
    }
    const size_t kind = at < form.size() ? kLetters.find(form[at]) : std::string_view::npos;
    if (kind == std::string_view::npos || repeat < 0 || repeat > kMostRowBytes)
      input_.fail("its TFORM" + std::to_string(column) + " cannot be read");
    return {kKinds[kind], given ? repeat : 1};
  }

  Catalogue readRows(const Header& header) {
    const int64_t rowBytes = count(header, "NAXIS1", -1, kMostRowBytes);
    const int64_t rows = count(header, "NAXIS2", -1, limits_.maxRows);
    const int64_t fields = count(header, "TFIELDS", -1, std::min<int64_t>(limits_.maxColumns, 999));
    dataBytes(header);  // are there
    int64_t at = 0;
    for (int64_t n = 1; n <= fields; ++n) at += addColumn(header, n, at);
    if (at > rowBytes) input_.fail("its columns are longer than its rows");
    if (rowBytes == 0 && rows > 0) input_.fail("its rows have no bytes");
    for (CatalogueColumn& column : table_.columns) {
      if (!column.isText && !limits_.exact) column.numbers.reserve(static_cast<size_t>(rows));
    }
    table_.rows = rows;
    table_.cards = header.cards;
    if (rows == 0) return std::move(table_);
    const int64_t rowsPerPiece = std::max<int64_t>(1, static_cast<int64_t>(kPieceBytes) / rowBytes);
    std::string piece(static_cast<size_t>(rowsPerPiece * rowBytes), '\0');
    for (int64_t row = 0; row < rows; row += rowsPerPiece) {
      const int64_t here = std::min(rowsPerPiece, rows - row);
      const std::span<char> bytes(piece.data(), static_cast<size_t>(here * rowBytes));
      if (input_.read(header.dataOffset + static_cast<uint64_t>(row * rowBytes), bytes) < bytes.size())
        input_.fail("it ends inside its rows");
      for (int64_t r = 0; r < here; ++r)
        takeRow(reinterpret_cast<const unsigned char*>(piece.data()) + r * rowBytes);
    }
    return std::move(table_);
  }

  int64_t addColumn(const Header& header, int64_t n, int64_t offset) {
    const std::string number = std::to_string(n);
    Cell cell;
    cell.type = typeOf(header.text("TFORM" + number), n);
    cell.offset = offset;
    const int64_t bytes = cell.type.bytes(cell.type.count);
    if (offset + bytes > kMostRowBytes) input_.fail("its rows are too long");
    const std::string name = header.text("TTYPE" + number);
    if (!cell.type.isScalar() || !wanted_(static_cast<size_t>(n - 1), name)) return bytes;
    cell.scale = header.number("TSCAL" + number).value_or(1);
    cell.zero = header.number("TZERO" + number).value_or(0);
    if (const fits::CardValue null = fits::findValue(header.cards, "TNULL" + number); null.isNumber()) {
      cell.null = null.number;
      cell.longNull = fits::wholeOf(null);
    }
    cells_.push_back(cell);
    CatalogueColumn column;
    column.name = name;
    column.unit = header.text("TUNIT" + number);
    column.ucd = header.text("TUCD" + number);
    column.description = header.text("TCOMM" + number);
    column.isText = cell.type.isText();
    table_.columns.push_back(std::move(column));
    return bytes;
  }

  void takeRow(const unsigned char* row) {
    for (size_t c = 0; c < cells_.size(); ++c) {
      const Cell& cell = cells_[c];
      CatalogueColumn& column = table_.columns[c];
      const unsigned char* at = row + cell.offset;
      if (column.isText) {
        column.texts.push_back(cellText(cell.type.kind, {at, static_cast<size_t>(cell.type.count)}));
        continue;
      }
      if (limits_.exact && isWhole(cell.type.kind)) {
        column.integers.push_back(cellInteger(cell.type.kind, at));
        continue;
      }
      if (cell.type.kind == CellType::Kind::kLong) {
        takeLong(cell, cellInteger(cell.type.kind, at), column);
        continue;
      }
      const double raw = cellNumber(cell.type.kind, at);
      const bool missing = cell.null && raw == *cell.null;
      column.numbers.push_back(missing ? std::numeric_limits<double>::quiet_NaN()
                                       : raw * cell.scale + cell.zero);
    }
  }

  static void takeLong(const Cell& cell, int64_t raw, CatalogueColumn& column) {
    constexpr uint64_t kTopBit = uint64_t{1} << 63;
    if (raw == cell.longNull) {
      addMissing(column);
    } else if (cell.isLong()) {
      addWhole(column, raw);
    } else if (cell.isUnsignedLong()) {
      addWhole(column, static_cast<uint64_t>(raw) ^ kTopBit);
    } else {
      column.numbers.push_back(static_cast<double>(raw) * cell.scale + cell.zero);
    }
  }

  const Input& input_;
  const ColumnFilter& wanted_;
  const CatalogueLimits& limits_;
  Catalogue table_;
  std::vector<Cell> cells_;
};

}  // namespace

std::optional<Catalogue> readFitsTable(const Input& input, const ColumnFilter& wanted,
                                       const CatalogueLimits& limits, const std::string& extname) {
  return FitsTableReader(input, wanted, limits).read(extname);
}

}  // namespace otf::catalogue
