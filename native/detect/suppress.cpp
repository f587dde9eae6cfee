#include "detect/suppress.h"

#include <algorithm>
#include <array>
#include <barrier>
#include <cmath>
#include <latch>
#include <optional>
#include <system_error>
#include <thread>

namespace otf {
namespace {

Edges edgesOf(const Box& box) { return {box.x0, box.y0, box.x1, box.y1}; }

Edges moved(const Box& box, double dx, double dy) {
  return {box.x0 + dx, box.y0 + dy, box.x1 + dx, box.y1 + dy};
}

/// distanceIou(a, b) > limit. Most pairs are far apart, and are told without a root and two divisions; a pair
/// near the limit takes the formula itself, so that rounding decides nothing.
bool exceeds(const Edges& a, const Edges& b, double limit) {
  const bool apart = a.x1 <= b.x0 || b.x1 <= a.x0 || a.y1 <= b.y0 || b.y1 <= a.y0;
  if (apart) {
    if (limit >= 0) return false;
    const double dx = (a.x0 + a.x1 - b.x0 - b.x1) * 0.5, dy = (a.y0 + a.y1 - b.y0 - b.y1) * 0.5;
    const double width = std::max(a.x1, b.x1) - std::min(a.x0, b.x0);
    const double height = std::max(a.y1, b.y1) - std::min(a.y0, b.y0);
    constexpr double kSafety = 1 + 1e-9;
    if (dx * dx + dy * dy > limit * limit * kSafety * (width * width + height * height)) return false;
  }
  return distanceIou(a, b) > limit;
}

/// The lowest DIoU limit that applies to a box of this objectness; 2 (never reached) when none does.
double applyingIou(const DetectorConfig& config, float objectness) {
  double limit = 2;
  for (size_t n = 0; n < config.firstIou.size(); ++n) {
    if (objectness < config.firstObjectness[n])
      limit = std::min(limit, static_cast<double>(config.firstIou[n]));
  }
  return limit;
}

struct Step {
  int column, row;
};
// The order of docs/detection.md. The result does not depend on it: a tile's neighbours do not change while it is reduced.
constexpr std::array<Step, 8> kNeighbours{
    {{-1, 0}, {1, 0}, {0, -1}, {0, 1}, {-1, 1}, {1, 1}, {-1, -1}, {1, -1}}};

class TileReducer {
 public:
  TileReducer(const DetectorConfig& config, const TileLayout& layout, std::span<std::vector<Box>> tiles)
      : config_(config), layout_(layout), tiles_(tiles) {}

  void reduce(int64_t column, int64_t row) const {
    std::vector<Box>& boxes = tiles_[static_cast<size_t>(row * layout_.columns.count + column)];
    std::erase_if(boxes, [&](const Box& box) { return !isInside(box) && isBeaten(box, column, row); });
  }

 private:
  /// Only this tile sees all of such a box, so nobody may overrule it.
  bool isInside(const Box& box) const {
    const auto low = static_cast<float>(layout_.overlapPx), high = static_cast<float>(layout_.columns.stepPx);
    return box.x0 > low && box.y0 > low && box.x1 < high && box.y1 < high;
  }

  bool isBeaten(const Box& box, int64_t column, int64_t row) const {
    return std::any_of(kNeighbours.begin(), kNeighbours.end(), [&](const Step& step) {
      const int64_t c = column + step.column, r = row + step.row;
      if (c < 0 || r < 0 || c >= layout_.columns.count || r >= layout_.rows.count) return false;
      return isBeatenBy(box, tiles_[static_cast<size_t>(r * layout_.columns.count + c)], step);
    });
  }

  bool isBeatenBy(const Box& box, const std::vector<Box>& others, const Step& step) const {
    const Edges own = edgesOf(box);
    const double side = layout_.tilePx;
    const double dx = static_cast<double>(step.column * layout_.columns.stepPx);
    const double dy = static_cast<double>(step.row * layout_.rows.stepPx);
    return std::any_of(others.begin(), others.end(), [&](const Box& other) {
      if (!(other.objectness > box.objectness)) return false;
      const Edges there = moved(other, dx, dy);
      const bool touches = there.x0 < side && there.y0 < side && there.x1 > 0 && there.y1 > 0;
      return touches && exceeds(own, there, config_.secondIou);
    });
  }

  const DetectorConfig& config_;
  const TileLayout& layout_;
  std::span<std::vector<Box>> tiles_;
};

// Below this, starting threads costs more than the work.
constexpr size_t kParallelBoxes = 20000;

void reduceInWavefronts(const TileReducer& reducer, int64_t columns, int64_t rows, int threads) {
  std::latch start(1);
  std::optional<std::barrier<>> stepDone;
  int64_t workers = 1;
  const auto work = [&](int64_t worker) {
    start.wait();
    for (int64_t time = 0; time < columns + 2 * (rows - 1); ++time) {
      const int64_t firstRow = std::max<int64_t>(0, (time - columns + 2) / 2);
      const int64_t lastRow = std::min(rows - 1, time / 2);
      for (int64_t row = firstRow + worker; row <= lastRow; row += workers)
        reducer.reduce(time - 2 * row, row);
      stepDone->arrive_and_wait();
    }
  };
  std::vector<std::jthread> helpers;
  try {
    for (int64_t worker = 1; worker < threads; ++worker) helpers.emplace_back(work, worker);
  } catch (const std::system_error&) {
    // No more threads to be had: those that started share the work.
  }
  workers += static_cast<int64_t>(helpers.size());
  stepDone.emplace(workers);
  start.count_down();
  work(0);
}

}  // namespace

double distanceIou(const Edges& a, const Edges& b) {
  const double width = std::min(a.x1, b.x1) - std::max(a.x0, b.x0);
  const double height = std::min(a.y1, b.y1) - std::max(a.y0, b.y0);
  const double shared = std::max(width, 0.0) * std::max(height, 0.0);
  const double all = (a.x1 - a.x0) * (a.y1 - a.y0) + (b.x1 - b.x0) * (b.y1 - b.y0) - shared;
  const double outerWidth = std::max(a.x1, b.x1) - std::min(a.x0, b.x0);
  const double outerHeight = std::max(a.y1, b.y1) - std::min(a.y0, b.y0);
  const double dx = (a.x0 + a.x1 - b.x0 - b.x1) * 0.5, dy = (a.y0 + a.y1 - b.y0 - b.y1) * 0.5;
  return shared / all -
         std::sqrt((dx * dx + dy * dy) / (outerWidth * outerWidth + outerHeight * outerHeight));
}

void suppressWithinTile(const DetectorConfig& config, std::vector<Box>& boxes) {
  std::stable_sort(boxes.begin(), boxes.end(),
                   [](const Box& a, const Box& b) { return a.objectness > b.objectness; });
  struct Candidate {
    Edges edges;
    double limit;
    bool dropped;
  };
  std::vector<Candidate> candidates;  // compact: the loop below is over pairs
  candidates.reserve(boxes.size());
  for (const Box& box : boxes)
    candidates.push_back({edgesOf(box), applyingIou(config, box.objectness), false});
  for (auto best = candidates.begin(); best != candidates.end(); ++best) {
    if (best->dropped) continue;
    for (auto other = best + 1; other != candidates.end(); ++other) {
      if (!other->dropped) other->dropped = exceeds(best->edges, other->edges, other->limit);
    }
  }
  size_t kept = 0;
  for (size_t i = 0; i < boxes.size(); ++i) {
    if (!candidates[i].dropped) boxes[kept++] = boxes[i];
  }
  boxes.resize(kept);
}

void clearEdgeTiles(const TileLayout& layout, int rings, std::span<std::vector<Box>> tiles) {
  const int64_t columns = layout.columns.count, rows = layout.rows.count;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      const int64_t ring = std::min({row, column, rows - 1 - row, columns - 1 - column});
      if (ring < rings) tiles[static_cast<size_t>(row * columns + column)].clear();
    }
  }
}

void suppressAcrossTiles(const DetectorConfig& config, const TileLayout& layout, int threads,
                         std::span<std::vector<Box>> tiles) {
  const TileReducer reducer(config, layout, tiles);
  const int64_t columns = layout.columns.count, rows = layout.rows.count;
  size_t boxes = 0;
  for (const auto& list : tiles) boxes += list.size();
  // No step of the wavefront has more tiles than this.
  const auto useful = static_cast<int>(std::min<int64_t>({threads, rows, (columns + 1) / 2}));
  if (useful > 1 && boxes >= kParallelBoxes) {
    reduceInWavefronts(reducer, columns, rows, useful);
    return;
  }
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) reducer.reduce(column, row);
  }
}

}  // namespace otf
