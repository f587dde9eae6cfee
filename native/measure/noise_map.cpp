#include "measure/noise_map.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "error/error.h"

namespace otf::measure {
namespace {

constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();
constexpr double kBeamsPerCell = 24;
constexpr double kUnknownBeamCellPx = 64;
constexpr int64_t kSmallestCellPx = 32, kLargestCellPx = 512;
/// Of the values every so many has its neighbours looked at: all cells together tell the correlation.
constexpr int64_t kPerDifference = 8;
/// One cell knows its correlation to 0.03; of fewer than these it is not told, and of more than so many every few are asked.
constexpr size_t kFewestCells = 9;
constexpr int64_t kEnoughCells = 1000;
/// Neighbours of this part of the beam's FWHM are about as much alike as not.
constexpr double kLagBeams = 0.4;

double medianOf(std::vector<float>& values, size_t count) {
  const auto half = values.begin() + static_cast<std::ptrdiff_t>(count / 2);
  const auto end = values.begin() + static_cast<std::ptrdiff_t>(count);
  std::nth_element(values.begin(), half, end);
  if (count % 2 == 1) return *half;
  return (static_cast<double>(*half) + *std::max_element(values.begin(), half)) / 2;
}

/// Median of the known values among 3 x 3 cells; unknown cells take that of the nearest ring that knows one.
std::vector<float> smoothed(const CellLayout& layout, const std::vector<float>& cells) {
  std::vector<float> out(cells.size(), kUnknown);
  std::vector<float> near;
  for (int64_t r = 0; r < layout.rows; ++r) {
    for (int64_t c = 0; c < layout.columns; ++c) {
      const int64_t farthest = std::max(layout.rows, layout.columns);
      for (int64_t reach = 1; reach <= farthest; reach *= 2) {
        near.clear();
        for (int64_t y = std::max<int64_t>(r - reach, 0); y <= std::min(r + reach, layout.rows - 1); ++y) {
          for (int64_t x = std::max<int64_t>(c - reach, 0); x <= std::min(c + reach, layout.columns - 1);
               ++x) {
            const float value = cells[static_cast<size_t>(y * layout.columns + x)];
            if (std::isfinite(value)) near.push_back(value);
          }
        }
        if (near.empty()) continue;
        // At an edge fewer neighbours lie outwards than inwards: a cell alone says more there than a one-sided median.
        const bool edge = r == 0 || c == 0 || r == layout.rows - 1 || c == layout.columns - 1;
        const float own = cells[static_cast<size_t>(r * layout.columns + c)];
        const auto median = static_cast<float>(medianOf(near, near.size()));
        out[static_cast<size_t>(r * layout.columns + c)] =
            edge && std::isfinite(own) ? (own + median) / 2 : median;
        break;
      }
    }
  }
  return out;
}

}  // namespace

CellLayout layoutCells(int64_t x, int64_t y, int64_t width, int64_t height, double beamPx) {
  const double wanted = beamPx > 0 ? kBeamsPerCell * beamPx : kUnknownBeamCellPx;
  const int64_t side = std::clamp(std::llround(wanted), static_cast<long long>(kSmallestCellPx),
                                  static_cast<long long>(kLargestCellPx));
  CellLayout layout{x, y, width, height};
  layout.columns = std::max<int64_t>(1, width / side);
  layout.rows = std::max<int64_t>(1, height / side);
  // Correlated noise of a beam of b pixels: pixels 0.8 b apart tell as much as all of them.
  layout.stridePx = std::clamp<int64_t>(static_cast<int64_t>(0.81 * beamPx), 1, 8);
  if (beamPx > 0) layout.lagPx = std::clamp<int64_t>(std::llround(kLagBeams * beamPx), 1, 16);
  return layout;
}

NoiseMap::NoiseMap(const CellLayout& layout, std::vector<float> background, std::vector<float> rms)
    : layout_(layout), background_(std::move(background)), rms_(std::move(rms)) {}

double NoiseMap::between(const std::vector<float>& values, double column, double row) const {
  const auto place = [](double at, int64_t count) {
    return std::clamp<int64_t>(static_cast<int64_t>(std::floor(at)), 0, std::max<int64_t>(count - 2, 0));
  };
  const int64_t c = place(column, layout_.columns), r = place(row, layout_.rows);
  // Half a cell beyond the outermost centres the plane through them goes on, no further.
  const double u = std::clamp(column - static_cast<double>(c), -0.5, 1.5);
  const double v = std::clamp(row - static_cast<double>(r), -0.5, 1.5);
  const auto value = [&](int64_t x, int64_t y) {
    return double{values[static_cast<size_t>(std::min(y, layout_.rows - 1) * layout_.columns +
                                             std::min(x, layout_.columns - 1))]};
  };
  const double low = value(c, r) + u * (value(c + 1, r) - value(c, r));
  const double high = value(c, r + 1) + u * (value(c + 1, r + 1) - value(c, r + 1));
  return low + v * (high - low);
}

NoiseMap::Value NoiseMap::at(double x, double y) const {
  Value value = given_.both() ? Value{} : ofCells(x, y);
  if (given_.background) value.background = given_.background->at(x, y);
  if (given_.rms) {
    const double rms = given_.rms->at(x, y);
    value.rms = rms > 0 ? rms : std::nan("");
  }
  if (isInverted_) value.background = -value.background;
  return value;
}

double NoiseMap::backgroundAt(double x, double y) const {
  const bool isKnown = given_.background || !rms_.empty();
  if (!isKnown) return std::nan("");
  const double value =
      given_.background ? given_.background->at(x, y) : between(background_, columnOf(x), rowOf(y));
  return isInverted_ ? -value : value;
}

double NoiseMap::columnOf(double x) const {
  return (x - static_cast<double>(layout_.x) + 0.5) * static_cast<double>(layout_.columns) /
             static_cast<double>(layout_.width) -
         0.5;
}

double NoiseMap::rowOf(double y) const {
  return (y - static_cast<double>(layout_.y) + 0.5) * static_cast<double>(layout_.rows) /
             static_cast<double>(layout_.height) -
         0.5;
}

NoiseMap::Value NoiseMap::ofCells(double x, double y) const {
  if (rms_.empty()) return {std::nan(""), std::nan("")};
  const double column = columnOf(x), row = rowOf(y);
  Value value{between(background_, column, row), between(rms_, column, row)};
  if (value.rms > 0) return value;
  // A steep edge may lead below zero: the nearest cell is positive.
  const auto c = std::clamp<int64_t>(std::llround(column), 0, layout_.columns - 1);
  const auto r = std::clamp<int64_t>(std::llround(row), 0, layout_.rows - 1);
  value.rms = rms_[static_cast<size_t>(r * layout_.columns + c)];
  return value;
}

void NoiseMap::rows(int64_t row, int64_t count, float* background, float* rms) const {
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t x = 0; x < layout_.width; ++x) {
      const Value value = at(static_cast<double>(layout_.x + x), static_cast<double>(layout_.y + row + i));
      if (background) background[i * layout_.width + x] = static_cast<float>(value.background);
      if (rms) rms[i * layout_.width + x] = static_cast<float>(value.rms);
    }
  }
}

double NoiseMap::typicalRms() const {
  std::vector<float> known = rms_;
  if (given_.rms) {
    known.clear();
    for (int64_t r = 0; r < layout_.rows; ++r) {
      for (int64_t c = 0; c < layout_.columns; ++c) {
        const int64_t x = (layout_.columnBegin(c) + layout_.columnBegin(c + 1)) / 2;
        const int64_t y = (layout_.rowBegin(r) + layout_.rowBegin(r + 1)) / 2;
        known.push_back(static_cast<float>(
            at(static_cast<double>(layout_.x + x), static_cast<double>(layout_.y + y)).rms));
      }
    }
  }
  std::erase_if(known, [](float value) { return !std::isfinite(value); });
  return known.empty() ? std::nan("") : medianOf(known, known.size());
}

NoiseMapper::NoiseMapper(const CellLayout& layout)
    : layout_(layout), cells_(static_cast<size_t>(layout.columns)) {}

int64_t NoiseMapper::memoryBytes(const CellLayout& layout) {
  const int64_t rows = (layout.height / layout.rows + 1) / layout.stridePx + 1;
  const int64_t columns = layout.width / layout.stridePx + 1;
  return (rows * columns * (kPerDifference + 2) / kPerDifference + 4 * layout.rows * layout.columns) *
         static_cast<int64_t>(sizeof(float));
}

void NoiseMapper::add(const float* pixels, int64_t count) {
  for (int64_t i = 0; i < count; ++i, ++nextRow_) {
    if (nextRow_ == layout_.rowBegin(cellRow_ + 1)) endCells();
    if (nextRow_ % layout_.stridePx != 0) continue;
    addRow(pixels + i * layout_.width);
  }
}

bool NoiseMapper::tellsCorrelation(int64_t column) const {
  const int64_t every = std::max<int64_t>(1, layout_.columns * layout_.rows / kEnoughCells);
  return (cellRow_ * layout_.columns + column) % every == 0;
}

void NoiseMapper::addRow(const float* row) {
  const auto isValue = [](float value) { return std::isfinite(value) && value != 0; };
  for (int64_t c = 0; c < layout_.columns; ++c) {
    Cell& cell = cells_[static_cast<size_t>(c)];
    const int64_t begin = layout_.columnBegin(c), end = layout_.columnBegin(c + 1);
    for (int64_t x = begin; x < end; x += layout_.stridePx) {
      if (isValue(row[x])) cell.values.push_back(row[x]);
    }
    const int64_t lag = layout_.lagPx;
    if (lag == 0 || !tellsCorrelation(c)) continue;
    for (int64_t x = begin; x + 2 * lag < end; x += kPerDifference * layout_.stridePx) {
      if (!isValue(row[x]) || !isValue(row[x + lag]) || !isValue(row[x + 2 * lag])) continue;
      cell.near.push_back(row[x + lag] - row[x]);
      cell.far.push_back(row[x + 2 * lag] - row[x]);
    }
  }
}

void NoiseMapper::endCells() {
  for (Cell& cell : cells_) {
    const int64_t cellPixels = layout_.width / layout_.columns * (layout_.height / layout_.rows);
    const bool enough =
        static_cast<int64_t>(cell.values.size()) * layout_.stridePx * layout_.stridePx * 4 >= cellPixels;
    const ClippedStatistics found = clippedStatistics(cell.values);
    const bool told = enough && found.deviation > 0;
    background_.push_back(told ? static_cast<float>(found.centre) : kUnknown);
    rms_.push_back(told ? static_cast<float>(found.deviation) : kUnknown);
    if (told && !cell.near.empty()) addCorrelation(cell, found.deviation);
    cell.values.clear();
    cell.near.clear();
    cell.far.clear();
  }
  ++cellRow_;
}

/// The variance of differences is 2 (1 - correlation) times that of the values.
void NoiseMapper::addCorrelation(Cell& cell, double deviation) {
  const auto correlation = [&](std::vector<float>& differences) {
    const double away = clippedStatistics(differences).deviation / deviation;
    return static_cast<float>(1 - away * away / 2);
  };
  const float near = correlation(cell.near), far = correlation(cell.far);
  if (!std::isfinite(near) || !std::isfinite(far)) return;
  near_.push_back(near);
  far_.push_back(far);
}

NoiseMap NoiseMapper::finish() {
  if (nextRow_ != layout_.height) {
    throw OtfError(Code::kInternal, "the noise of " + std::to_string(layout_.height) +
                                        " rows was asked for after " + std::to_string(nextRow_));
  }
  endCells();
  NoiseMap map(layout_, smoothed(layout_, background_), smoothed(layout_, rms_));
  if (near_.size() >= kFewestCells)
    map.take({layout_.lagPx, medianOf(near_, near_.size()), medianOf(far_, far_.size())});
  return map;
}

}  // namespace otf::measure
