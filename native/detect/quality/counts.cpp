#include "detect/quality/counts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <unordered_map>

namespace otf::quality {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::array<double, 15> kSnrEdges{0, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 7, 8, 10, 15, 25, kInfinity};

struct Pair {
  double distance;
  size_t known, detection;
};

/// Points by cells as large as the radius.
class Cells {
 public:
  Cells(std::span<const Seen> points, double side) : side_(side) {
    for (size_t i = 0; i < points.size(); ++i)
      if (std::isfinite(points[i].x + points[i].y))
        cells_[key(of(points[i].x), of(points[i].y))].push_back(i);
  }
  template <typename Take>
  void around(double x, double y, Take take) const {
    for (int64_t row = of(y) - 1; row <= of(y) + 1; ++row) {
      for (int64_t column = of(x) - 1; column <= of(x) + 1; ++column) {
        const auto cell = cells_.find(key(column, row));
        if (cell == cells_.end()) continue;
        for (const size_t i : cell->second) take(i);
      }
    }
  }

 private:
  int64_t of(double at) const { return static_cast<int64_t>(std::floor(at / side_)); }
  static uint64_t key(int64_t column, int64_t row) {
    return static_cast<uint64_t>(row) << 32 ^ static_cast<uint32_t>(column);
  }
  double side_;
  std::unordered_map<uint64_t, std::vector<size_t>> cells_;
};

/// The last bin whose lower edge is not above the value.
size_t binOf(std::span<const double> edges, double value) {
  const auto above = std::ranges::upper_bound(edges, value);
  const auto number = static_cast<size_t>(above - edges.begin());
  return std::clamp<size_t>(number, 1, edges.size() - 1) - 1;
}

std::vector<double> significant(std::span<const Counted> counted) {
  std::vector<double> snrs;
  for (const Counted& one : counted)
    if (std::isfinite(one.snr) && one.isSignificant()) snrs.push_back(one.snr);
  return snrs;
}

/// Of one detection.
FalsePart falsePartOf(const FalseFraction& curve, double snr) {
  return snr >= kSignificantSnr ? curve.at(snr) : FalsePart{1, 1, 1};
}

/// What has a detection, mocks first; and which detections were given.
struct Given {
  std::vector<uint8_t> known, detections;
};

Given give(std::span<const Mock> mocks, std::span<const Seen> before, std::span<const Seen> detections,
           double radius) {
  const Cells cells(detections, radius);
  std::vector<Pair> pairs;
  const auto add = [&](double x, double y, size_t known) {
    if (!std::isfinite(x + y)) return;
    cells.around(x, y, [&](size_t detection) {
      const double distance = std::hypot(detections[detection].x - x, detections[detection].y - y);
      if (distance <= radius) pairs.push_back({distance, known, detection});
    });
  };
  for (size_t i = 0; i < mocks.size(); ++i) add(mocks[i].x, mocks[i].y, i);
  for (size_t i = 0; i < before.size(); ++i) add(before[i].x, before[i].y, mocks.size() + i);
  std::ranges::sort(pairs, [](const Pair& a, const Pair& b) {
    if (a.distance != b.distance) return a.distance < b.distance;
    return a.known != b.known ? a.known < b.known : a.detection < b.detection;
  });
  Given given{std::vector<uint8_t>(mocks.size() + before.size()), std::vector<uint8_t>(detections.size())};
  for (const Pair& pair : pairs) {
    if (given.known[pair.known] || given.detections[pair.detection]) continue;
    given.known[pair.known] = given.detections[pair.detection] = 1;
  }
  return given;
}

}  // namespace

std::span<const double> snrEdges() { return kSnrEdges; }

std::vector<uint8_t> recovered(std::span<const Mock> mocks, std::span<const Seen> before,
                               std::span<const Seen> detections, double radius) {
  std::vector<uint8_t> known = give(mocks, before, detections, radius).known;
  known.resize(mocks.size());
  return known;
}

std::vector<Seen> farFrom(std::span<const Mock> mocks, std::span<const Seen> detections, double radius) {
  std::vector<Seen> places;
  for (const Mock& mock : mocks) places.push_back({mock.x, mock.y, 0, 0});
  const Cells cells(places, radius);
  std::vector<Seen> out;
  for (const Seen& one : detections) {
    bool isNear = false;
    cells.around(one.x, one.y, [&](size_t i) {
      isNear = isNear || std::hypot(places[i].x - one.x, places[i].y - one.y) <= radius;
    });
    if (!isNear) out.push_back(one);
  }
  return out;
}

FalseFraction falseFraction(const Tally& tally) {
  return {significant(tally.found), significant(tally.negative), tally.sampled};
}

std::vector<QualityBin> binned(const Tally& tally, const FalseFraction& curve,
                               std::span<const double> edges) {
  std::vector<QualityBin> bins(edges.size() - 1);
  std::vector<FalsePart> sums(bins.size());
  std::vector<int64_t> mocks(bins.size()), seen(bins.size());
  for (const Counted& one : tally.found) {
    if (!std::isfinite(one.value)) continue;
    const size_t bin = binOf(edges, one.value);
    const FalsePart part = falsePartOf(curve, one.snr);
    ++bins[bin].found;
    sums[bin] = {sums[bin].value + part.value, sums[bin].low + part.low, sums[bin].high + part.high};
  }
  for (const Counted& one : tally.negative)
    if (std::isfinite(one.value) && one.isSignificant()) ++bins[binOf(edges, one.value)].negative;
  for (size_t i = 0; i < tally.mocks.size(); ++i) {
    const size_t bin = binOf(edges, tally.mocks[i]);
    ++mocks[bin];
    seen[bin] += tally.recovered[i];
  }
  for (size_t b = 0; b < bins.size(); ++b) {
    bins[b].low = edges[b];
    bins[b].high = edges[b + 1];
    bins[b].completeness = score::fractionOf(seen[b], mocks[b]);
    const auto found = static_cast<double>(bins[b].found);
    // The higher the false part, the lower the reliability.
    bins[b].reliability = bins[b].found > 0 ? 1 - sums[b].value / found : kNaN;
    bins[b].reliabilityLow = bins[b].found > 0 ? 1 - sums[b].high / found : kNaN;
    bins[b].reliabilityHigh = bins[b].found > 0 ? 1 - sums[b].low / found : kNaN;
  }
  return bins;
}

double reliabilityAt(const FalseFraction& curve, double snr) {
  return std::isfinite(snr) ? 1 - falsePartOf(curve, snr).value : kNaN;
}

}  // namespace otf::quality
