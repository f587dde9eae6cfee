#include "coverage/moc.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <numbers>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "coverage/area.h"
#include "error/error.h"
#include "fits/fits.h"

using namespace otf;
using namespace otf::coverage;

namespace {

/// The message of the error, which must be that of a bad mask.
std::string refusal(const std::function<void()>& work) {
  try {
    work();
  } catch (const OtfError& error) {
    CHECK(error.code() == Code::kMaskInvalid);
    return error.what();
  }
  FAIL("nothing was thrown");
  return {};
}

std::string temporary(const std::string& name) {
  return (std::filesystem::temp_directory_path() /
          ("otf-moc-" + std::to_string(std::random_device{}()) + name))
      .string();
}

void writeTable(const std::string& path, const std::vector<int64_t>& values,
                const std::vector<FitsKey>& keys) {
  FitsColumn column;
  column.name = "UNIQ";
  column.type = FitsColumn::Type::kLong;
  column.longs = values;
  writeFitsTable(path, "MOC", std::span(&column, 1), keys);
}

FitsKey key(const char* name, const char* text) {
  return {.name = name, .comment = "", .text = text, .isText = true};
}

}  // namespace

TEST_CASE("the standard's own example, in both notations") {
  const Moc moc = readMocAscii("1/1,3,4 2/4,25,12-14,21", "a.txt");
  CHECK(moc.order() == 2);
  CHECK(moc.holds(rangeOf({1, 3})));
  CHECK(moc.holds(rangeOf({2, 13})));
  CHECK_FALSE(moc.touches(rangeOf({2, 26})));
  const Moc same = readMocJson(R"({"1":[1,3,4], "2":[4,25,12,13,14,21]})", "a.json");
  CHECK(same.ranges() == moc.ranges());
  CHECK(readMocAscii(mocAscii(moc), "b").ranges() == moc.ranges());
  CHECK(readMocJson(mocJson(moc), "b").ranges() == moc.ranges());
  CHECK(readMocAscii("s1/1 3-4\n8/", "c").order() == 8);
}

TEST_CASE("cells of every order, the smallest to the last digit, through every notation") {
  std::mt19937_64 random(5);
  std::vector<CellRange> ranges;
  for (int order = 0; order <= kMostOrder; ++order) {
    for (int i = 0; i < 20; ++i)
      ranges.push_back(rangeOf(
          {order,
           static_cast<int64_t>(random() % static_cast<uint64_t>(cellsOf(order) / (order < 8 ? 1 : 3)))}));
    if (order < 4) ranges.resize(ranges.size() - 19);
  }
  const Moc moc(ranges, kMostOrder);
  CHECK(moc.ranges().back().end <= cellsOf(kMostOrder));
  CHECK(readMocAscii(mocAscii(moc), "a").ranges() == moc.ranges());
  CHECK(readMocJson(mocJson(moc), "a").ranges() == moc.ranges());
  const std::string path = temporary(".fits");
  writeMocFits(moc, path);
  const Area area = readArea(path, "a.fits");
  REQUIRE(area.isMoc());
  CHECK(std::get<Moc>(area.is).ranges() == moc.ranges());
  CHECK(std::get<Moc>(area.is).order() == kMostOrder);
  for (const Cell& cell : moc.cells()) REQUIRE(moc.contains(centreOf(cell.order, cell.number)));
  std::filesystem::remove(path);
}

TEST_CASE("ranges of order 29, and tables that are no MOC of the sky") {
  const std::string path = temporary(".fits");
  writeTable(path, {0, 4, (int64_t{12} << 58) - 3, int64_t{12} << 58},
             {key("MOCDIM", "SPACE"), key("ORDERING", "RANGE")});
  const Moc moc = readMocFits(path, "r.fits");
  CHECK(moc.ranges() == std::vector<CellRange>{{0, 4}, {(int64_t{12} << 58) - 3, int64_t{12} << 58}});
  CHECK(moc.order() == 29);
  const auto refused = [&](const std::vector<int64_t>& values, const std::vector<FitsKey>& keys) {
    writeTable(path, values, keys);
    return refusal([&] { readMocFits(path, "r.fits"); });
  };
  const std::vector<FitsKey> ranges{key("ORDERING", "RANGE")}, cells{key("ORDERING", "NUNIQ")};
  CHECK(refused({0, 4, 8}, ranges).find("no end") != std::string::npos);
  CHECK(refused({4, 4}, ranges).find("range 1") != std::string::npos);
  CHECK(refused({-1, 4}, ranges).find("range 1") != std::string::npos);
  CHECK(refused({0, (int64_t{12} << 58) + 1}, ranges).find("range 1") != std::string::npos);
  for (const int64_t wrong :
       {int64_t{-5}, int64_t{0}, int64_t{3}, int64_t{1} << 62, std::numeric_limits<int64_t>::max()})
    CHECK(refused({wrong}, cells).find("cell " + std::to_string(wrong)) != std::string::npos);
  CHECK(refused({4}, {key("ORDERING", "RING")}).find("ORDERING") != std::string::npos);
  CHECK(refused({4}, {key("ORDERING", "NUNIQ"), key("COORDSYS", "G")}).find("COORDSYS") != std::string::npos);
  CHECK(refused({4}, {key("ORDERING", "RANGE"), key("MOCDIM", "TIME.SPACE")}).find("TIME.SPACE") !=
        std::string::npos);
  writeTable(path, {}, cells);
  CHECK(readMocFits(path, "r.fits").ranges().empty());
  CHECK(refusal([&] { readArea(path, "r.fits"); }).find("there is no area in r.fits") != std::string::npos);
  std::filesystem::remove(path);
}

TEST_CASE("texts that are no MOC: where, and what") {
  for (const char* text :
       {"1/48", "30/1", "1/3-2", "1/1 x", "1/-1", "1/1.5", "t29/1", "1/99999999999999999999", "1/1-", "/1"})
    CHECK(refusal([&] { readMocAscii(text, "h.txt"); }).find("h.txt: at byte ") != std::string::npos);
  for (const char* text : {"{", "{}", "{\"1\":[1]", "{\"1\":[1]} x", "{\"1\":[1,]}", "{\"30\":[]}",
                           "{\"1\":[48]}", "{\"1\":[-1]}", "{\"1\":[1e3]}", "{\"s\":{\"1\":[1]}}",
                           "[{\"t\":{}}]", "{\"1\":[18446744073709551616]}"})
    CHECK(refusal([&] { readMocJson(text, "h.json"); }).find("h.json: at byte ") != std::string::npos);
  std::string long_ = "29/";
  for (int64_t i = 0; i <= kMostCells; ++i) long_ += std::to_string(i % 10) + ' ';
  CHECK(refusal([&] { readMocAscii(long_, "h.txt"); }).find("more than 5000000") != std::string::npos);
}

TEST_CASE("discs: none that a cell reaches is missed, and few are held for near") {
  std::mt19937_64 random(9);
  std::normal_distribution<double> normal;
  std::vector<CellRange> ranges;
  for (int i = 0; i < 30; ++i)
    ranges.push_back(rangeOf({6, static_cast<int64_t>(random() % static_cast<uint64_t>(cellsOf(6)))}));
  const Moc moc(ranges, 6);
  int touched = 0, near = 0;
  for (int i = 0; i < 3000; ++i) {
    const sky::Vector3 centre{normal(random), normal(random), normal(random)};
    const double radius = 0.05;
    // Points of the disc, dense against a cell of order 6 (0.016 radians).
    bool hit = false;
    const double length = std::sqrt(centre[0] * centre[0] + centre[1] * centre[1] + centre[2] * centre[2]);
    for (int p = 0; p < 400 && !hit; ++p) {
      sky::Vector3 point = centre;
      for (double& each : point) each += length * 0.02 * normal(random);
      hit = separation(centre, point) <= radius && moc.contains(point);
    }
    const bool may = moc.mayTouch(centre, radius);
    if (hit) REQUIRE(may);
    touched += hit;
    near += may;
  }
  CHECK(touched > 50);
  CHECK(near < 2 * touched);
}

TEST_CASE("areas and what two maps share") {
  const Moc one = readMocAscii("0/0-11", "a"), two = readMocAscii("3/100-200 29/5", "b");
  CHECK(one.areaDeg2() == doctest::Approx(4 * 180 * 180 / std::numbers::pi));
  CHECK(one.intersection(two).ranges() == two.ranges());
  CHECK(two.intersection(readMocAscii("3/150-300", "c")).ranges() == readMocAscii("3/150-200", "d").ranges());
  CHECK(cellRadius(0) > cellRadius(1));
  CHECK(cellRadius(10) == doctest::Approx(2 * cellRadius(11)).epsilon(1e-3));
}
