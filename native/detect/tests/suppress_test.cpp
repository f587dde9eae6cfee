#include "detect/suppress.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "detect/tests/fixtures.h"

using namespace otf;

namespace {

using Lists = std::vector<std::vector<Box>>;

Box makeBox(float x, float y, float w, float h, float objectness, int id) {
  Box box{};
  box.x0 = x, box.y0 = y, box.x1 = x + w, box.y1 = y + h, box.objectness = objectness, box.cell = id;
  return box;
}

double directIou(const Box& a, const Box& b, double dx, double dy) {
  const double bx0 = b.x0 + dx, bx1 = b.x1 + dx, by0 = b.y0 + dy, by1 = b.y1 + dy;
  const double w = std::max(0.0, std::min<double>(a.x1, bx1) - std::max<double>(a.x0, bx0));
  const double h = std::max(0.0, std::min<double>(a.y1, by1) - std::max<double>(a.y0, by0));
  const double both = (double(a.x1) - a.x0) * (double(a.y1) - a.y0) + (bx1 - bx0) * (by1 - by0) - w * h;
  const double distance =
      std::hypot((a.x0 + double(a.x1) - bx0 - bx1) / 2, (a.y0 + double(a.y1) - by0 - by1) / 2);
  const double diagonal = std::hypot(std::max<double>(a.x1, bx1) - std::min<double>(a.x0, bx0),
                                     std::max<double>(a.y1, by1) - std::min<double>(a.y0, by0));
  return w * h / both - distance / diagonal;
}

/// Step 6, word by word.
std::vector<int> firstDirectly(const DetectorConfig& config, std::vector<Box> left) {
  std::vector<int> kept;
  while (!left.empty()) {
    const auto best = std::max_element(
        left.begin(), left.end(), [](const Box& a, const Box& b) { return a.objectness < b.objectness; });
    const Box box = *best;
    left.erase(best);
    kept.push_back(box.cell);
    std::erase_if(left, [&](const Box& b) {
      bool drop = false;
      for (size_t n = 0; n < config.firstIou.size(); ++n) {
        drop = drop ||
               (directIou(box, b, 0, 0) > config.firstIou[n] && b.objectness < config.firstObjectness[n]);
      }
      return drop;
    });
  }
  return kept;
}

/// Step 7, word by word: tile after tile, neighbour after neighbour.
void secondDirectly(const DetectorConfig& config, const TileLayout& layout, Lists& lists) {
  const int steps[8][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}, {-1, 1}, {1, 1}, {-1, -1}, {1, -1}};
  const double o = layout.overlapPx, s = double(layout.columns.stepPx), side = layout.tilePx;
  const int64_t columns = layout.columns.count, rows = layout.rows.count;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      for (const auto& step : steps) {
        const int64_t nc = c + step[0], nr = r + step[1];
        if (nc < 0 || nr < 0 || nc >= columns || nr >= rows) continue;
        const double dx = step[0] * s, dy = step[1] * s;
        std::erase_if(lists[size_t(r * columns + c)], [&](const Box& b) {
          if (b.x0 > o && b.y0 > o && b.x1 < s && b.y1 < s) return false;
          for (const Box& other : lists[size_t(nr * columns + nc)]) {
            const bool touches =
                other.x0 + dx < side && other.x1 + dx > 0 && other.y0 + dy < side && other.y1 + dy > 0;
            if (touches && directIou(b, other, dx, dy) > config.secondIou && other.objectness > b.objectness)
              return true;
          }
          return false;
        });
      }
    }
  }
}

std::vector<std::vector<int>> cells(const Lists& lists) {
  std::vector<std::vector<int>> all;
  for (const auto& list : lists) {
    all.emplace_back();
    for (const Box& box : list) all.back().push_back(box.cell);
  }
  return all;
}

TileLayout gridOf(int64_t columns, int64_t rows, int tile, int overlap) {
  const int step = tile - overlap;
  return layoutTiles({0, 0, columns * step + overlap, rows * step + overlap}, tile, overlap);
}

Lists randomLists(std::mt19937& random, const TileLayout& layout, int boxesPerTile) {
  const auto uniform = [&](double low, double high) {
    return float(std::uniform_real_distribution<double>(low, high)(random));
  };
  Lists lists(size_t(layout.tiles()));
  int id = 0;
  for (auto& list : lists) {
    for (int i = 0; i < boxesPerTile; ++i) {
      const float objectness = random() % 4 == 0 ? 0.5F : uniform(0.1, 1);  // ties happen
      list.push_back(makeBox(uniform(-10, layout.tilePx), uniform(-10, layout.tilePx), uniform(5, 20),
                             uniform(5, 20), objectness, id++));
    }
  }
  return lists;
}

}  // namespace

TEST_CASE("distance IoU of boxes that can be worked out by hand") {
  CHECK(distanceIou({0, 0, 10, 10}, {0, 0, 10, 10}) == 1);
  CHECK(distanceIou({0, 0, 3, 4}, {3, 0, 6, 4}) == doctest::Approx(-3 / std::hypot(6, 4)));
  CHECK(distanceIou({0, 0, 2, 2}, {1, 0, 3, 2}) == doctest::Approx(1.0 / 3 - 1 / std::hypot(3, 2)));
}

TEST_CASE("first suppression equals the text of the procedure on random boxes") {
  constexpr uint32_t kSeed = 41;
  MESSAGE("seed " << kSeed);
  std::mt19937 random(kSeed);
  const DetectorConfig config = test::demoConfig();
  const TileLayout layout = gridOf(1, 1, 96, 16);
  size_t kept = 0;
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<Box> boxes = randomLists(random, layout, int(random() % 60))[0];
    const std::vector<int> expected = firstDirectly(config, boxes);
    suppressWithinTile(config, boxes);
    REQUIRE(cells({boxes})[0] == expected);
    kept += boxes.size();
  }
  CHECK(kept > 200);
}

TEST_CASE("second suppression equals the text of the procedure, in order and in wavefronts") {
  constexpr uint32_t kSeed = 43;
  MESSAGE("seed " << kSeed);
  std::mt19937 random(kSeed);
  const DetectorConfig config = test::demoConfig();
  struct Size {
    int64_t columns, rows;
    int boxes;
  };
  // The last ones are above the number of boxes from which threads are used.
  for (const Size size :
       {Size{1, 1, 50}, {1, 6, 40}, {7, 1, 40}, {3, 3, 60}, {5, 4, 40}, {13, 11, 150}, {3, 40, 180}}) {
    const TileLayout layout = gridOf(size.columns, size.rows, 96, 24);
    REQUIRE(layout.tiles() == size.columns * size.rows);
    const Lists start = randomLists(random, layout, size.boxes);
    Lists expected = start;
    secondDirectly(config, layout, expected);
    for (const int threads : {1, 2, 3, 8}) {
      CAPTURE(size.columns);
      CAPTURE(size.rows);
      CAPTURE(threads);
      Lists lists = start;
      suppressAcrossTiles(config, layout, threads, lists);
      REQUIRE(cells(lists) == cells(expected));
    }
    if (layout.tiles() > 1) CHECK(cells(expected) != cells(start));
  }
}

TEST_CASE("a source in the overlap survives in the tile that is surer of it") {
  const DetectorConfig config = test::demoConfig();
  const TileLayout layout = gridOf(2, 1, 256, 32);
  Lists lists(2);
  lists[0] = {makeBox(230, 100, 8, 8, 0.7F, 1), makeBox(100, 100, 8, 8, 0.5F, 2)};
  lists[1] = {makeBox(6, 100, 8, 8, 0.8F, 3)};
  suppressAcrossTiles(config, layout, 1, lists);
  CHECK(cells(lists) == std::vector<std::vector<int>>{{2}, {3}});
}

TEST_CASE("edge rings of tiles are cleared only when asked for") {
  const TileLayout layout = gridOf(5, 6, 96, 16);
  Lists full(30, {makeBox(40, 40, 8, 8, 0.9F, 1)});
  const auto left = [&](int rings) {
    Lists lists = full;
    clearEdgeTiles(layout, rings, lists);
    return std::count_if(lists.begin(), lists.end(), [](const auto& list) { return !list.empty(); });
  };
  CHECK(left(0) == 30);
  CHECK(left(1) == 12);
  CHECK(left(2) == 2);
  CHECK(left(3) == 0);
}
