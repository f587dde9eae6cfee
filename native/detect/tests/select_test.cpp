#include "detect/select.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "detect/tests/fixtures.h"

using namespace otf;

namespace {

struct Case {
  DetectorConfig config = test::demoConfig();
  YoloHead head = test::demoHead();
  int grid = 0;
  std::vector<float> tile, output;

  Case(int tilePx, int classes, float tileLevel) {
    config.tilePx = tilePx;
    head.classes = classes;
    grid = tilePx / config.gridElementPx;
    tile.assign(size_t(tilePx * tilePx), tileLevel);
    output.assign(size_t(grid * grid * head.planes()), 0.0F);
  }
  float& value(int box, int plane, int row, int column) {
    return output[size_t(((box * head.planesPerBox() + plane) * grid + row) * grid + column)];
  }
  void put(int box, int row, int column, float x0, float y0, float x1, float y1, float objectness) {
    value(box, 0, row, column) = x0, value(box, 1, row, column) = y0;
    value(box, 3, row, column) = x1, value(box, 4, row, column) = y1;
    value(box, 6, row, column) = 0.8F, value(box, 7, row, column) = objectness;
  }
  std::vector<Box> select() { return selectBoxes(config, head, 3, tile.data(), output.data()); }
};

/// Step 5 of docs/detection.md, word by word, with a sorted copy for the median.
std::vector<Box> selectDirectly(Case& c) {
  std::vector<Box> kept;
  const int side = c.config.tilePx;
  for (int i = 0; i < c.grid; ++i) {
    for (int j = 0; j < c.grid; ++j) {
      for (int k = 0; k < c.head.boxes; ++k) {
        double p = c.value(k, 6, i, j), o = c.value(k, 7, i, j);
        if (i == 0 || j == 0 || i == c.grid - 1 || j == c.grid - 1) {
          p = std::max(0.03, p - 0.05), o = std::max(0.03, o - 0.05);
        }
        if (float(o) < c.config.objectnessThreshold[size_t(k)]) continue;
        const double cx = (double(c.value(k, 0, i, j)) + c.value(k, 3, i, j)) / 2;
        const double cy = (double(c.value(k, 1, i, j)) + c.value(k, 4, i, j)) / 2;
        const double w =
            std::max(double(c.config.minBoxPx), double(c.value(k, 3, i, j)) - c.value(k, 0, i, j));
        const double h =
            std::max(double(c.config.minBoxPx), double(c.value(k, 4, i, j)) - c.value(k, 1, i, j));
        Box box{};
        box.x0 = float(cx - w / 2), box.x1 = float(cx + w / 2), box.y0 = float(cy - h / 2),
        box.y1 = float(cy + h / 2);
        box.probability = float(p), box.objectness = float(o), box.prior = k, box.cell = i * c.grid + j,
        box.tile = 3;
        for (int q = 0; q < c.head.parameters; ++q) {
          box.parameters[size_t(q)] = c.value(k, 8 + c.head.classes + q, i, j);
        }
        std::vector<float> window;
        for (int y = std::max(int(box.y0 - 5.0), 0); y < std::min(int(box.y1 + 5.0), side); ++y) {
          for (int x = std::max(int(box.x0 - 5.0), 0); x < std::min(int(box.x1 + 5.0), side); ++x) {
            window.push_back(c.tile[size_t(y * side + x)]);
          }
        }
        bool reject = false;
        if (!window.empty()) {
          std::sort(window.begin(), window.end());
          const size_t n = window.size();
          const float m = n % 2 ? window[n / 2] : (window[n / 2 - 1] + window[n / 2]) * 0.5F;
          for (size_t q = 0; q < c.config.medianLimit.size(); ++q) {
            reject = reject || (m > c.config.medianLimit[q] && box.objectness < c.config.medianObjectness[q]);
          }
        }
        if (!reject) kept.push_back(box);
      }
    }
  }
  return kept;
}

bool same(const Box& a, const Box& b) {
  return a.x0 == b.x0 && a.y0 == b.y0 && a.x1 == b.x1 && a.y1 == b.y1 && a.probability == b.probability &&
         a.objectness == b.objectness && a.prior == b.prior && a.cell == b.cell && a.tile == b.tile &&
         a.parameters == b.parameters;
}

}  // namespace

TEST_CASE("selection equals the text of the procedure on random tiles") {
  constexpr uint32_t kSeed = 31;
  MESSAGE("seed " << kSeed);
  std::mt19937 random(kSeed);
  const auto uniform = [&](double low, double high) {
    return float(std::uniform_real_distribution<double>(low, high)(random));
  };
  size_t kept = 0, candidates = 0;
  for (int trial = 0; trial < 60; ++trial) {
    Case c(64 + 16 * int(random() % 5), int(random() % 3), 0);
    c.config.objectnessThreshold = {0.1F, 0.3F, 0.5F, 0.7F, 0.9F};
    const int side = c.config.tilePx;
    // Patches of constant brightness, some exactly at a limit, so that the middle of even windows matters.
    for (int y = 0; y < side; ++y) {
      for (int x = 0; x < side; ++x) {
        const int patch = (x / 13 + 3 * (y / 11) + trial) % 5;
        const float levels[] = {0.05F, 0.1F, 0.3F, 0.65F, uniform(0, 1)};
        c.tile[size_t(y * side + x)] = levels[patch];
      }
    }
    for (int row = 0; row < c.grid; ++row) {
      for (int column = 0; column < c.grid; ++column) {
        for (int k = 0; k < c.head.boxes; ++k) {
          const float x = uniform(-30, side + 30), y = uniform(-30, side + 30);
          c.put(k, row, column, x, y, x + uniform(0, 25), y + uniform(0, 25), uniform(0, 1));
          for (int q = 0; q < c.head.parameters + c.head.classes; ++q)
            c.value(k, 8 + q, row, column) = uniform(0, 1);
        }
      }
    }
    const std::vector<Box> found = c.select(), direct = selectDirectly(c);
    REQUIRE(found.size() == direct.size());
    for (size_t i = 0; i < found.size(); ++i) REQUIRE(same(found[i], direct[i]));
    kept += found.size();
    candidates += size_t(c.grid * c.grid * c.head.boxes);
  }
  MESSAGE(kept << " of " << candidates << " kept");
  CHECK(kept > candidates / 10);
}

TEST_CASE("the outermost cells are penalised, and never below the floor") {
  Case c(64, 0, 0);
  c.config.objectnessThreshold.assign(5, 0.02F);
  c.put(0, 0, 1, 10, 10, 20, 20, 0.9F);
  c.put(0, 1, 1, 20, 20, 30, 30, 0.9F);
  const std::vector<Box> boxes = c.select();
  const auto at = [&](int cell) {
    return *std::find_if(boxes.begin(), boxes.end(),
                         [&](const Box& b) { return b.cell == cell && b.prior == 0; });
  };
  CHECK(at(1).objectness == doctest::Approx(0.85));
  CHECK(at(1).probability == doctest::Approx(0.75));
  CHECK(at(5).objectness == doctest::Approx(0.9));
  CHECK(at(0).objectness == 0.03F);
}

TEST_CASE("small boxes grow around their centre") {
  Case c(64, 0, 0);
  c.put(2, 1, 2, 30, 40, 31, 60, 0.9F);
  const std::vector<Box> boxes = c.select();
  REQUIRE(boxes.size() == 1);
  CHECK(boxes[0].x0 == 28);
  CHECK(boxes[0].x1 == 33);
  CHECK(boxes[0].y0 == 40);
  CHECK(boxes[0].y1 == 60);
}

TEST_CASE("faint detections over bright emission are rejected, strong ones are kept") {
  Case c(64, 0, 0.65F);
  c.put(0, 1, 1, 20, 20, 30, 30, 0.89F);
  c.put(0, 1, 2, 20, 20, 30, 30, 0.91F);
  std::vector<Box> boxes = c.select();
  REQUIRE(boxes.size() == 1);
  CHECK(boxes[0].cell == 6);
  c.tile.assign(c.tile.size(), 0.6F);  // not above the limit 0.6, but above 0.3: 0.89 is enough there
  CHECK(c.select().size() == 2);
}

TEST_CASE("a network that gives no numbers gives no boxes, wherever they point") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  Case c(64, 0, 0.5F);
  c.config.objectnessThreshold.assign(5, 0.0F);
  c.output.assign(c.output.size(), nan);
  CHECK(c.select().empty());
  c.put(0, 0, 0, nan, 0, 10, 10, 0.99F);
  c.put(0, 1, 1, -inf, 0, inf, 10, 0.99F);
  c.put(0, 2, 2, 0, 0, 10, 10, inf);
  CHECK(c.select().empty());
  c.put(0, 1, 2, -1e30F, -1e30F, 1e30F, 1e30F, 0.2F);
  c.put(1, 1, 2, 1e30F, 1e30F, 1.1e30F, 1.1e30F, 0.2F);
  const std::vector<Box> boxes = c.select();
  REQUIRE(boxes.size() == 1);  // the first lies over bright emission, the second outside the tile
  CHECK(boxes[0].prior == 1);
}
