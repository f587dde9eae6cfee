// An area of the sky as a multi-order coverage map. Source: IVOA MOC 2.0 (Fernique et al. 2022), of its dimensions SPACE alone:
// HEALPix cells in ICRS, nested.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coverage/healpix.h"

namespace otf::coverage {

/// Cells of order 29; `end` is none of them.
struct CellRange {
  int64_t begin = 0, end = 0;
  bool operator==(const CellRange&) const = default;
};

struct Cell {
  int order = 0;
  int64_t number = 0;
  bool operator==(const Cell&) const = default;
};

CellRange rangeOf(Cell cell);

class Moc {
 public:
  Moc() = default;
  /// Ranges in any order, which may overlap. `order`: how fine the map is, whatever its cells are.
  Moc(std::vector<CellRange> ranges, int order);

  int order() const { return order_; }
  /// Ascending, apart.
  const std::vector<CellRange>& ranges() const { return ranges_; }
  /// The fewest there can be; ascending on the sky.
  std::vector<Cell> cells() const;
  double areaDeg2() const;

  bool contains(const sky::Vector3& direction) const {
    return touches(rangeOf({kMostOrder, cellAt(kMostOrder, direction)}));
  }
  bool touches(CellRange range) const;
  bool holds(CellRange range) const;
  /// False: no point of the disc (radians) is in it. True may be said of a disc that misses it by a sixteenth of its radius.
  bool mayTouch(const sky::Vector3& centre, double radius) const;

  Moc intersection(const Moc& other) const;

 private:
  std::vector<CellRange> ranges_;
  int order_ = 0;
};

/// Most cells and ranges of a map that is read.
constexpr int64_t kMostCells = 5'000'000;

// Reading throws kMaskInvalid, saying where.

/// MOC 2.0, section 4.3.2 (and the commas of 1.1): "5/12-14 20 6/81".
Moc readMocAscii(const std::string& text, const std::string& label);
/// Section 4.3.3: {"5":[12,13,14,20],"6":[81]}.
Moc readMocJson(const std::string& text, const std::string& label);
/// Section 4.3.1: the first binary table, of cells (NUNIQ) or ranges (RANGE).
Moc readMocFits(const std::string& path, const std::string& label);

std::string mocAscii(const Moc& moc);
std::string mocJson(const Moc& moc);
/// NUNIQ, which readers of every version know. Throws kOutputUnwritable.
void writeMocFits(const Moc& moc, const std::string& path);

}  // namespace otf::coverage
