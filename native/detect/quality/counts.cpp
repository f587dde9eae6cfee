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

/// Bins whose reliability is one.
struct Pool {
  size_t bins;
  double found, insignificant, negative;
  double falseFraction(double negatives, double sampled) const {
    return (insignificant + negatives / sampled) / found;
  }
};

std::vector<Pool> pooled(std::span<const QualityBin> bins, double sampled) {
  std::vector<Pool> pools;
  for (const QualityBin& bin : bins) {
    pools.push_back({1, static_cast<double>(bin.found), static_cast<double>(bin.insignificant),
                     static_cast<double>(bin.negative)});
    const auto joins = [&] {
      const Pool &last = pools.back(), &before = pools[pools.size() - 2];
      if (last.found == 0 || before.found == 0) return true;
      return last.falseFraction(last.negative, sampled) > before.falseFraction(before.negative, sampled);
    };
    while (pools.size() > 1 && joins()) {
      const Pool last = pools.back();
      pools.pop_back();
      pools.back() = {pools.back().bins + last.bins, pools.back().found + last.found,
                      pools.back().insignificant + last.insignificant, pools.back().negative + last.negative};
    }
  }
  return pools;
}

}  // namespace

std::span<const double> snrEdges() { return kSnrEdges; }

std::vector<uint8_t> recovered(std::span<const Mock> mocks, std::span<const Seen> before,
                               std::span<const Seen> detections, double radius) {
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
  std::vector<uint8_t> taken(mocks.size() + before.size()), used(detections.size());
  for (const Pair& pair : pairs) {
    if (taken[pair.known] || used[pair.detection]) continue;
    taken[pair.known] = used[pair.detection] = 1;
  }
  taken.resize(mocks.size());
  return taken;
}

std::vector<QualityBin> binned(const Tally& tally, std::span<const double> edges) {
  std::vector<QualityBin> bins(edges.size() - 1);
  std::vector<int64_t> mocks(bins.size()), seen(bins.size());
  for (const Counted& one : tally.found) {
    if (!std::isfinite(one.value)) continue;
    QualityBin& bin = bins[binOf(edges, one.value)];
    ++bin.found;
    if (!one.isSignificant()) ++bin.insignificant;
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
  }
  size_t next = 0;
  for (const Pool& pool : pooled(bins, tally.sampled)) {
    // Gehrels 1986, equations 7 and 12, of one sigma.
    const double n = pool.negative;
    const double most = n + std::sqrt(n + 0.75) + 1;
    const double least = n > 0 ? n * std::pow(1 - 1 / (9 * n) - 1 / (3 * std::sqrt(n)), 3) : 0;
    const auto reliability = [&](double negatives) {
      return pool.found > 0 ? std::clamp(1 - pool.falseFraction(negatives, tally.sampled), 0.0, 1.0) : kNaN;
    };
    for (size_t i = 0; i < pool.bins; ++i, ++next) {
      bins[next].reliability = reliability(n);
      bins[next].reliabilityLow = reliability(most);
      bins[next].reliabilityHigh = reliability(least);
    }
  }
  return bins;
}

double reliabilityAt(std::span<const QualityBin> bins, double value) {
  if (!std::isfinite(value)) return kNaN;
  for (const QualityBin& bin : bins)
    if (value < bin.high) return bin.reliability;
  return bins.back().reliability;
}

}  // namespace otf::quality
