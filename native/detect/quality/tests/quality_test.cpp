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
  mock.shape = {2, 0.5, 1};
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

TEST_CASE("what is near a mock is left out, whichever of the two is brighter") {
  const std::vector<Mock> mocks{mockAt(10, 10), mockAt(50, 50)};
  const std::vector<Seen> seen{{10, 13, 5, 5}, {10, 13.1, 5, 5}, {48, 51, 90, 90}, {30, 30, 4, 4}};
  const std::vector<Seen> far = farFrom(mocks, seen, 3);
  REQUIRE(far.size() == 2);
  CHECK(far[0].y == 13.1);
  CHECK(far[1].x == 30);
  CHECK(farFrom({}, seen, 3).size() == 4);
}

TEST_CASE(
    "as many are false as were found upside down, where they were; and never more of the brighter ones") {
  std::mt19937_64 random(3);
  std::exponential_distribution<double> tail(3);
  std::vector<double> found, negative;
  // 300 sources of any brightness among 100 peaks of noise; half of the image turned upside down.
  for (int i = 0; i < 300; ++i) found.push_back(3 + 0.04 * i);
  for (int i = 0; i < 100; ++i) found.push_back(3 + tail(random));
  for (int i = 0; i < 50; ++i) negative.push_back(3 + tail(random));
  const Tally counted = tally(found, negative, 0.5);
  const FalseFraction curve = falseFraction(counted);
  const auto bins = binned(counted, curve, snrEdges());
  double falses = 0, before = 1;
  for (const QualityBin& bin : bins) {
    if (bin.found == 0) {
      CHECK(std::isnan(bin.reliability));
      continue;
    }
    falses += (1 - bin.reliability) * static_cast<double>(bin.found);
    CHECK(bin.reliabilityLow <= bin.reliability);
    CHECK(bin.reliabilityHigh >= bin.reliability);
  }
  CHECK(falses == doctest::Approx(100).epsilon(1e-3));
  for (double snr = 3; snr < 20; snr += 0.1) {
    const double part = curve.at(snr).value;
    CHECK(part <= before);
    before = part;
  }
  // 12.5 sources and 78 peaks of noise between 3 and 3.5, 12.5 and 17 to 4.
  CHECK(curve.at(3.2).value > 0.75);
  CHECK(curve.at(4.3).value < 0.45);
  CHECK(curve.at(8).value < 0.01);
  CHECK(reliabilityAt(curve, 1e9) == doctest::Approx(1));
  CHECK(std::isnan(reliabilityAt(curve, std::nan(""))));
}

TEST_CASE("what is told of few counts, of none, and of noise alone") {
  // Below three times the noise nothing is there, whatever the image upside down has.
  const FalseFraction faint = falseFraction(tally({2.7, 2.7, 3.2}, {2.7}, 1));
  CHECK(reliabilityAt(faint, 2.7) == 0);
  CHECK(reliabilityAt(faint, 3.2) == 1);
  CHECK(faint.at(3.2).high == 1);
  CHECK(falseFraction(tally(std::vector<double>(100, 5), {}, 0.5)).at(5).high == doctest::Approx(0.03682));
  // One negative among bright ones: it is the faint ones that are doubted.
  const Tally one = tally({3.1, 3.2, 3.4, 6, 7, 8, 9, 12}, {3.3}, 1);
  const FalseFraction few = falseFraction(one);
  CHECK(few.at(3.2).value > 0.2);
  CHECK(few.at(6).value < 0.05);
  // As many upside down as not: none is a source.
  const FalseFraction noise = falseFraction(tally({3.2, 3.4, 3.7, 4.2}, {3.1, 3.5, 3.6, 4.1, 3.3}, 1));
  CHECK(noise.at(3.5).value > 0.95);
  // Nothing found: nothing is said.
  const Tally nothing = tally({}, {}, 1);
  CHECK(std::isnan(binned(nothing, falseFraction(nothing), snrEdges()).front().reliability));
}

TEST_CASE("1000 fields: the true part is within the interval in about 68 of 100, and right in the mean") {
  std::mt19937_64 random(7);
  std::poisson_distribution<int> falses(40), turned(20);
  std::exponential_distribution<double> tail(3);
  int inside = 0, trials = 1000;
  double mean = 0, truth = 0;
  for (int trial = 0; trial < trials; ++trial) {
    std::vector<double> found, negative;
    for (int i = 0; i < 100; ++i) found.push_back(3 + 0.05 * i);
    const int wrong = falses(random);
    int near = 0;
    for (int i = 0; i < wrong; ++i) {
      found.push_back(3 + tail(random));
      near += found.back() < 3.5;
    }
    for (int i = turned(random); i > 0; --i) negative.push_back(3 + tail(random));
    const Tally counted = tally(found, negative, 0.5);
    const QualityBin bin = binned(counted, falseFraction(counted), snrEdges())[2];
    const double part = 1 - near / static_cast<double>(bin.found);
    inside += bin.reliabilityLow <= part && part <= bin.reliabilityHigh;
    mean += bin.reliability / trials;
    truth += part / trials;
  }
  CHECK(inside > 550);
  CHECK(inside < 880);
  CHECK(mean == doctest::Approx(truth).epsilon(0.1));
}
