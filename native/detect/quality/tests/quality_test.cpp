// Where it is searched again, what is put there, and what is counted.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "detect/quality/counts.h"
#include "detect/quality/mocks.h"
#include "detect/quality/sample.h"

using namespace otf;
using namespace otf::quality;

namespace {

int64_t tilesOf(const Sample& sample, const TileLayout& layout) {
  int64_t tiles = 0;
  for (const Region& box : sample.boxes) tiles += layoutTiles(box, layout.tilePx, layout.overlapPx).tiles();
  return tiles;
}

Mock mockAt(double x, double y) {
  Mock mock;
  mock.x = x;
  mock.y = y;
  mock.peak = 1;
  mock.beam = {2, 0.5, 1};
  return mock;
}

Tally tally(const std::vector<double>& found, const std::vector<double>& negative, double sampled) {
  Tally out;
  for (const double snr : found) out.found.push_back({snr, snr});
  for (const double snr : negative) out.negative.push_back({snr, snr});
  out.sampled = sampled;
  return out;
}

}  // namespace

TEST_CASE(
    "a small image is searched as a whole, a large one in parts of about as many tiles as were asked for") {
  for (const auto& [width, height] :
       {std::pair<int64_t, int64_t>{8192, 8192}, {40000, 300}, {300, 40000}, {2000, 700}}) {
    const TileLayout layout = layoutTiles({17, 31, width, height}, 256, 32);
    for (const int64_t wanted : {1, 3, 4, 16, 64, 100000}) {
      const Sample sample = chooseSample(layout, wanted);
      const int64_t tiles = tilesOf(sample, layout);
      CHECK(tiles <= std::max<int64_t>(wanted, 4));
      CHECK(sample.rounds * tiles <= std::max<int64_t>(wanted, 4));
      if (layout.tiles() <= wanted) {
        CHECK(sample.boxes.size() == 1);
        CHECK(sample.marginPx == 0);
      }
      for (const Region& box : sample.boxes) {
        CHECK(box.x >= 17);
        CHECK(box.y >= 31);
        CHECK(box.x + box.width <= 17 + width);
        CHECK(box.y + box.height <= 31 + height);
      }
    }
  }
}

TEST_CASE("mocks are added to any windows alike, and know where the image has no pixel") {
  constexpr int64_t kSide = 40;
  std::vector<float> whole(kSide * kSide, 0.5F);
  whole[10 * kSide + 30] = std::numeric_limits<float>::quiet_NaN();
  whole[20 * kSide + 8] = 0;
  std::vector<float> pieces = whole;
  std::vector<Mock> first{mockAt(12.25, 12.75), mockAt(30, 10), mockAt(39.4, 39), mockAt(8, 20)},
      second = first;
  addMocks(first, 0, 0, kSide, kSide, whole.data(), kSide);
  for (int64_t y = 0; y < kSide; y += 7) {
    for (int64_t x = 0; x < kSide; x += 13) {
      addMocks(second, x, y, std::min<int64_t>(13, kSide - x), std::min<int64_t>(7, kSide - y),
               pieces.data() + y * kSide + x, kSide);
    }
  }
  CHECK(std::equal(whole.begin(), whole.end(), pieces.begin(),
                   [](float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }));
  CHECK(whole[13 * kSide + 12] > 1.4F);
  CHECK(whole[20 * kSide + 8] == 0);
  for (const auto& mocks : {first, second}) {
    CHECK_FALSE(mocks[0].isBlank);
    CHECK(mocks[1].isBlank);
    CHECK_FALSE(mocks[2].isBlank);
    CHECK(mocks[3].isBlank);
  }
}

TEST_CASE("a detection of what was there before is none of a mock beside it") {
  const std::vector<Mock> mocks{mockAt(10, 10), mockAt(50, 50), mockAt(90, 90)};
  const std::vector<Seen> before{{11, 10, 20, 20}};
  // The old source alone; a mock found; nothing near the third.
  CHECK(recovered(mocks, before, std::vector<Seen>{{11, 10, 20, 20}, {50.4, 50, 5, 5}}, 3) ==
        std::vector<uint8_t>{0, 1, 0});
  // Both are seen; the blend is nearer to the mock.
  CHECK(recovered(mocks, before, std::vector<Seen>{{11, 10, 20, 20}, {9.8, 10, 5, 5}}, 3)[0] == 1);
  CHECK(recovered(mocks, before, std::vector<Seen>{{10.1, 10, 40, 40}}, 3)[0] == 1);
}

TEST_CASE("reliability and its interval from counts; it never falls towards brighter sources") {
  std::vector<double> found, negative;
  for (int i = 0; i < 400; ++i) found.push_back(i < 100 ? 3.2 : i < 200 ? 4.2 : 30);
  for (int i = 0; i < 20; ++i) negative.push_back(i < 15 ? 3.2 : 4.2);
  const auto bins = binned(tally(found, negative, 0.5), snrEdges());
  CHECK(reliabilityAt(bins, 3.3) == doctest::Approx(1 - 15 / (0.5 * 100)));
  CHECK(reliabilityAt(bins, 4.4) == doctest::Approx(1 - 5 / (0.5 * 100)));
  CHECK(reliabilityAt(bins, 1e9) == 1);
  CHECK(std::isnan(reliabilityAt(bins, std::nan(""))));
  for (size_t b = 1; b < bins.size(); ++b) CHECK(!(bins[b].reliability < bins[b - 1].reliability));
  for (const QualityBin& bin : bins) {
    if (std::isnan(bin.reliability)) continue;
    CHECK(bin.reliabilityLow <= bin.reliability);
    CHECK(bin.reliabilityHigh >= bin.reliability);
  }
  // More negatives among the brighter ones: one reliability for both.
  const auto joined = binned(tally({3.2, 3.2, 3.2, 3.2, 4.2, 4.2, 4.2, 4.2}, {4.2, 4.2}, 1), snrEdges());
  CHECK(reliabilityAt(joined, 3.2) == doctest::Approx(0.75));
  CHECK(reliabilityAt(joined, 4.2) == doctest::Approx(0.75));
  // Below three times the noise nothing is there, whatever the image upside down has.
  const auto faint = binned(tally({2.7, 2.7, 3.2}, {2.7}, 1), snrEdges());
  CHECK(reliabilityAt(faint, 2.7) == 0);
  CHECK(reliabilityAt(faint, 3.2) == 1);
  // Nothing found: nothing is said.
  CHECK(std::isnan(binned(tally({}, {}, 1), snrEdges()).front().reliability));
}

TEST_CASE("a table of 1000 Poisson trials: the true reliability is within the interval in about 68 of 100") {
  std::mt19937_64 random(7);
  std::poisson_distribution<int> falses(12), turned(6);
  int inside = 0;
  for (int trial = 0; trial < 1000; ++trial) {
    std::vector<double> found(static_cast<size_t>(100 + falses(random)), 3.2);
    const auto bins =
        binned(tally(found, std::vector<double>(static_cast<size_t>(turned(random)), 3.2), 0.5), snrEdges());
    const double truth = 1 - 12.0 / static_cast<double>(found.size());
    inside += bins[2].reliabilityLow <= truth && truth <= bins[2].reliabilityHigh;
  }
  CHECK(inside > 600);
  CHECK(inside < 850);
}
