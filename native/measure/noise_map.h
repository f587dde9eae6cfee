// Background and noise of an image: clipped statistics of the pixels in cells, smoothed by a median over neighbours,
// interpolated between their centres. Memory is that of one row of cells.
// The idea is SExtractor's mesh (Bertin and Arnouts 1996) with BANE's choice of the size by the beam (Hancock et al. 2018).
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "measure/clipped.h"
#include "measure/correlation.h"
#include "measure/given_map.h"

namespace otf::measure {

/// Cells that cover a box of an image, from its lower left corner; those at the far edges may be larger.
struct CellLayout {
  int64_t x = 0, y = 0, width = 0, height = 0;  // of the box, pixels of the image
  int64_t columns = 1, rows = 1;
  int64_t stridePx = 1;  // every so many pixels counts: neighbours within a beam tell nothing new
  int64_t lagPx =
      0;  // pixels so far apart, and twice that, tell how noise is correlated; 0 = it is not asked

  int64_t columnBegin(int64_t column) const { return column * width / columns; }
  int64_t rowBegin(int64_t row) const { return row * height / rows; }
};

/// Cells of 24 beams, so that the noise of each is known to 3 per cent; 64 pixels for an unknown beam (0). At least 32 and at
/// most 512 pixels.
CellLayout layoutCells(int64_t x, int64_t y, int64_t width, int64_t height, double beamPx);

/// Maps somebody gave in place of what the cells tell; null = none.
struct GivenMaps {
  std::shared_ptr<const GivenMap> background, rms;
  bool both() const { return background && rms; }
};

/// What the cells gave. NaN where a whole image has no pixel to tell, and where a given map has none. Thread-safe.
class NoiseMap {
 public:
  NoiseMap() = default;
  NoiseMap(const CellLayout& layout, std::vector<float> background, std::vector<float> rms);
  void take(GivenMaps given) { given_ = std::move(given); }
  void take(const MeasuredCorrelation& correlation) { correlation_ = correlation; }
  /// That of the image upside down.
  NoiseMap inverted() const {
    NoiseMap other = *this;
    other.isInverted_ = !isInverted_;
    return other;
  }

  struct Value {
    double background, rms;
  };
  /// At a pixel of the image, bilinear between centres of cells, and on along the edges; of maps that were given, the
  /// nearest pixel's.
  Value at(double x, double y) const;
  double backgroundAt(double x, double y) const;
  /// Rows of the box from `row`, `width` values each; either may be null.
  void rows(int64_t row, int64_t count, float* background, float* rms) const;

  const CellLayout& layout() const { return layout_; }
  /// Of the noise, in the median over the cells; of few cells none.
  const MeasuredCorrelation& correlation() const { return correlation_; }
  /// Median over the cells (of a given map, at their centres), for a summary.
  double typicalRms() const;

 private:
  double between(const std::vector<float>& values, double column, double row) const;
  Value ofCells(double x, double y) const;
  /// The same place in cells: 0 is the centre of the first one.
  double columnOf(double x) const;
  double rowOf(double y) const;
  CellLayout layout_;
  std::vector<float> background_, rms_;
  GivenMaps given_;
  MeasuredCorrelation correlation_;
  bool isInverted_ = false;
};

/// Takes the rows of the box one after the other and makes the map of them. One thread at a time.
class NoiseMapper {
 public:
  explicit NoiseMapper(const CellLayout& layout);
  /// The next rows of the box: count * width values; NaN and exact zeros (padding of mosaics) say nothing.
  void add(const float* pixels, int64_t count);
  /// When every row was added; kInternal before. Cells without enough pixels take their neighbours'.
  NoiseMap finish();

  static int64_t memoryBytes(const CellLayout& layout);

 private:
  /// Of the cell of the row under way.
  struct Cell {
    std::vector<float> values, near, far;  // values, and differences of those one and two lags apart
  };

  void addRow(const float* row);
  /// The cell of the row under way is one of those that are asked.
  bool tellsCorrelation(int64_t column) const;
  void endCells();
  void addCorrelation(Cell& cell, double deviation);
  CellLayout layout_;
  int64_t nextRow_ = 0, cellRow_ = 0;
  std::vector<Cell> cells_;
  std::vector<float> background_, rms_;
  std::vector<float> near_, far_;  // correlations, of cells that tell them
};

}  // namespace otf::measure
