// A MOC as a FITS binary table: read by the room of tables, which trusts no header.
#include <algorithm>
#include <bit>
#include <span>

#include "catalogue/catalogue.h"
#include "coverage/moc.h"
#include "error/error.h"
#include "fits/fits.h"
#include "fits/header_values.h"

namespace otf::coverage {
namespace {

constexpr int64_t kMostBytes = int64_t{256} << 20;

[[noreturn]] void fail(const std::string& label, const std::string& what) {
  throw OtfError(Code::kMaskInvalid, "cannot read the MOC " + label + ": " + what);
}

std::string textOf(const std::string& cards, const std::string& name) {
  const fits::CardValue value = fits::findValue(cards, name);
  std::string found = value.kind == fits::CardValue::Kind::kText ? value.text : "";
  while (found.ends_with(' ')) found.pop_back();
  return found;
}

/// 4 * 4^order + number.
Cell cellOfUniq(int64_t uniq, const std::string& label) {
  if (uniq < 4) fail(label, "its cell " + std::to_string(uniq) + " is none");
  const int order = (std::bit_width(static_cast<uint64_t>(uniq)) - 1) / 2 - 1;
  const Cell cell{order, uniq - (int64_t{4} << (2 * order))};
  if (order > kMostOrder || cell.number >= cellsOf(order))
    fail(label, "its cell " + std::to_string(uniq) + " is none");
  return cell;
}

Moc fromUniq(const std::vector<int64_t>& uniqs, const std::string& label) {
  std::vector<CellRange> ranges;
  ranges.reserve(uniqs.size());
  int order = 0;
  for (const int64_t uniq : uniqs) {
    const Cell cell = cellOfUniq(uniq, label);
    order = std::max(order, cell.order);
    ranges.push_back(rangeOf(cell));
  }
  return {std::move(ranges), order};
}

Moc fromRanges(const std::vector<int64_t>& edges, const std::string& label) {
  if (edges.size() % 2 != 0) fail(label, "its last range has no end");
  std::vector<CellRange> ranges;
  int order = 0;
  for (size_t i = 0; i < edges.size(); i += 2) {
    const CellRange range{edges[i], edges[i + 1]};
    if (range.begin < 0 || range.begin >= range.end || range.end > cellsOf(kMostOrder))
      fail(label, "its range " + std::to_string(i / 2 + 1) + " is none");
    const int zeros = std::min(std::countr_zero(static_cast<uint64_t>(range.begin)),
                               std::countr_zero(static_cast<uint64_t>(range.end)));
    order = std::max(order, kMostOrder - std::min(zeros / 2, kMostOrder));
    ranges.push_back(range);
  }
  return {std::move(ranges), order};
}

FitsKey textKey(const char* name, const std::string& value, const char* comment) {
  return {.name = name, .comment = comment, .text = value, .isText = true};
}

FitsKey wholeKey(const char* name, int value, const char* comment) {
  return {
      .name = name, .comment = comment, .text = {}, .number = static_cast<double>(value), .isInteger = true};
}

}  // namespace

Moc readMocFits(const std::string& path, const std::string& label) {
  const CatalogueLimits limits{
      .maxRows = 2 * kMostCells, .maxColumns = 1, .maxBytes = kMostBytes, .exact = true};
  const Catalogue table = readCatalogue(path, {}, limits, label);
  const std::string dimension = textOf(table.cards, "MOCDIM");
  if (!dimension.empty() && dimension != "SPACE")
    fail(label, "its dimension is " + dimension + ", not SPACE");
  const std::string frame = textOf(table.cards, "COORDSYS");
  if (!frame.empty() && frame != "C" && frame != "ICRS")
    fail(label, "its COORDSYS is " + frame + ": cells are counted in ICRS (C)");
  if (table.columns.size() != 1 || table.columns.front().isText ||
      table.columns.front().integers.empty() != (table.rows == 0))
    fail(label, "it has no column of whole numbers");
  const CatalogueColumn& column = table.columns.front();
  const std::string ordering = textOf(table.cards, "ORDERING");
  Moc moc;
  if (ordering == "RANGE" || ordering == "RANGE29") {
    moc = fromRanges(column.integers, label);
  } else if (ordering == "NUNIQ" || (ordering.empty() && (column.name == "UNIQ" || column.name == "NPIX"))) {
    moc = fromUniq(column.integers, label);
  } else {
    fail(label, "its ORDERING is neither NUNIQ nor RANGE");
  }
  return moc;
}

void writeMocFits(const Moc& moc, const std::string& path) {
  FitsColumn column;
  column.name = "UNIQ";
  column.type = FitsColumn::Type::kLong;
  for (const Cell& cell : moc.cells()) column.longs.push_back((int64_t{4} << (2 * cell.order)) + cell.number);
  std::ranges::sort(column.longs);  // section 4.3.1: ascending
  const std::vector<FitsKey> keys{
      textKey("MOCVERS", "2.0", "IVOA MOC"),
      textKey("MOCDIM", "SPACE", "what is covered"),
      textKey("PIXTYPE", "HEALPIX", "cells of HEALPix"),
      textKey("ORDERING", "NUNIQ", "4 * 4^order + number of each cell"),
      textKey("COORDSYS", "C", "ICRS"),
      wholeKey("MOCORD_S", moc.order(), "order of the map"),
      wholeKey("MOCORDER", moc.order(), "order of the map, for readers of MOC 1"),
      textKey("MOCTOOL", "cianna-otf", "what made it"),
  };
  writeFitsTable(path, "MOC", std::span(&column, 1), keys);
}

}  // namespace otf::coverage
