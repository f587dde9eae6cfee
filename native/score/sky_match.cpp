#include "score/sky_match.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>

#include "error/error.h"
#include "score/parallel.h"

namespace otf::score {
namespace {

constexpr double kRadians = std::numbers::pi / 180;
constexpr double kArcsec = 3600;
constexpr double kMostRadiusArcsec = 3600;

double wrapped(double raDeg) {
  const double turned = std::fmod(raDeg, 360);
  return turned < 0 ? turned + 360 : turned;
}

/// Rows by zones of declination, within a zone by right ascension.
class Zones {
 public:
  Zones(const SkyPoints& points, double radiusDeg)
      : points_(points), heightDeg_(std::max(radiusDeg, 1.0 / kArcsec)) {
    const auto zones = static_cast<size_t>(180 / heightDeg_) + 2;
    starts_.assign(zones + 1, 0);
    std::vector<uint32_t> zoneOf(points.count());
    for (size_t i = 0; i < points.count(); ++i) {
      if (!usable(i)) continue;
      zoneOf[i] = static_cast<uint32_t>(zone(points.decDeg[i]));
      ++starts_[zoneOf[i] + 1];
    }
    std::partial_sum(starts_.begin(), starts_.end(), starts_.begin());
    rows_.resize(static_cast<size_t>(starts_.back()));
    std::vector<int64_t> next(starts_.begin(), starts_.end() - 1);
    for (size_t i = 0; i < points.count(); ++i) {
      if (usable(i))
        rows_[static_cast<size_t>(next[zoneOf[i]]++)] = {wrapped(points.raDeg[i]), static_cast<int64_t>(i)};
    }
    for (size_t z = 0; z < zones; ++z) std::sort(rows_.begin() + starts_[z], rows_.begin() + starts_[z + 1]);
  }

  /// Rows that may be that near, in no order.
  template <typename Visit>
  void near(double raDeg, double decDeg, double radiusDeg, Visit visit) const {
    const double ra = wrapped(raDeg);
    const double reach = reachDeg(decDeg, radiusDeg);
    const size_t last = zone(std::min(decDeg + radiusDeg, 90.0));
    for (size_t z = zone(std::max(decDeg - radiusDeg, -90.0)); z <= last; ++z) {
      if (reach >= 180) {
        range(z, -1, 361, visit);
        continue;
      }
      range(z, ra - reach, ra + reach, visit);
      if (ra - reach < 0) range(z, ra - reach + 360, 361, visit);
      if (ra + reach > 360) range(z, -1, ra + reach - 360, visit);
    }
  }

 private:
  struct Row {
    double ra;
    int64_t index;
    bool operator<(const Row& other) const {
      return ra < other.ra || (ra == other.ra && index < other.index);
    }
  };

  bool usable(size_t i) const { return std::isfinite(points_.raDeg[i]) && std::abs(points_.decDeg[i]) <= 90; }
  size_t zone(double decDeg) const { return static_cast<size_t>((decDeg + 90) / heightDeg_); }

  /// Half the width in right ascension of a circle; a little more, for the rounding.
  static double reachDeg(double decDeg, double radiusDeg) {
    if (std::abs(decDeg) + radiusDeg >= 89.99) return 360;
    const double sine = std::sin(radiusDeg * kRadians) / std::cos(decDeg * kRadians);
    return std::asin(std::min(sine, 1.0)) / kRadians * (1 + 1e-9) + 1e-12;
  }

  template <typename Visit>
  void range(size_t z, double low, double high, Visit& visit) const {
    const auto begin = rows_.begin() + starts_[z], end = rows_.begin() + starts_[z + 1];
    for (auto at = std::lower_bound(begin, end, Row{low, -1}); at != end && at->ra <= high; ++at)
      visit(at->index);
  }

  const SkyPoints& points_;
  double heightDeg_;
  std::vector<int64_t> starts_;
  std::vector<Row> rows_;
};

}  // namespace

double separationArcsec(double raA, double decA, double raB, double decB) {
  const double difference = (raB - raA) * kRadians;
  const double sinA = std::sin(decA * kRadians), cosA = std::cos(decA * kRadians);
  const double sinB = std::sin(decB * kRadians), cosB = std::cos(decB * kRadians);
  const double sine = std::sin(difference), cosine = std::cos(difference);
  const double across = cosB * sine, along = cosA * sinB - sinA * cosB * cosine;
  return std::atan2(std::hypot(across, along), sinA * sinB + cosA * cosB * cosine) / kRadians * kArcsec;
}

std::vector<Pair> pairsWithin(const SkyPoints& a, const SkyPoints& b, double radiusArcsec, int threads,
                              int64_t mostPairs) {
  if (!(radiusArcsec > 0 && radiusArcsec <= kMostRadiusArcsec)) {
    throw OtfError(Code::kInvalidArgument, "a matching radius of " + std::to_string(radiusArcsec) +
                                               " arcsec is not within 0 to 3600");
  }
  const double radiusDeg = radiusArcsec / kArcsec;
  const Zones zones(b, radiusDeg);
  std::atomic<int64_t> total{0};
  std::vector<std::vector<Pair>> pieces = inPieces<std::vector<Pair>>(
      static_cast<int64_t>(a.count()), threads, [&](int64_t begin, int64_t end, std::vector<Pair>& out) {
        for (int64_t i = begin; i < end; ++i) {
          const double ra = a.raDeg[static_cast<size_t>(i)], dec = a.decDeg[static_cast<size_t>(i)];
          if (!std::isfinite(ra) || !(std::abs(dec) <= 90)) continue;
          const size_t first = out.size();
          zones.near(ra, dec, radiusDeg, [&](int64_t j) {
            const auto at = static_cast<size_t>(j);
            const double separation = separationArcsec(ra, dec, b.raDeg[at], b.decDeg[at]);
            if (separation <= radiusArcsec) out.push_back({i, j, separation});
          });
          std::sort(out.begin() + static_cast<std::ptrdiff_t>(first), out.end(),
                    [](const Pair& x, const Pair& y) { return x.b < y.b; });
          total += static_cast<int64_t>(out.size() - first);
          if (total > mostPairs)
            throw OtfError(Code::kOutOfMemory,
                           "more than " + std::to_string(mostPairs) +
                               " pairs lie within the matching radius: use a smaller one");
        }
      });
  std::vector<Pair> pairs;
  pairs.reserve(static_cast<size_t>(total.load()));
  for (std::vector<Pair>& piece : pieces) {
    pairs.insert(pairs.end(), piece.begin(), piece.end());
    std::vector<Pair>().swap(piece);
  }
  return pairs;
}

std::vector<Pair> closestPairs(std::span<const Pair> pairs, std::span<const double> distance, size_t countA,
                               size_t countB, std::span<const uint8_t> useA) {
  std::vector<size_t> order;
  order.reserve(pairs.size());
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (std::isfinite(distance[i]) && (useA.empty() || useA[static_cast<size_t>(pairs[i].a)]))
      order.push_back(i);
  }
  // Pairs come by a, then b: a stable sort keeps that among equals.
  std::stable_sort(order.begin(), order.end(), [&](size_t x, size_t y) { return distance[x] < distance[y]; });
  std::vector<uint8_t> takenA(countA), takenB(countB);
  std::vector<size_t> kept;
  for (const size_t i : order) {
    uint8_t &a = takenA[static_cast<size_t>(pairs[i].a)], &b = takenB[static_cast<size_t>(pairs[i].b)];
    if (a || b) continue;
    a = b = 1;
    kept.push_back(i);
  }
  std::sort(kept.begin(), kept.end());
  std::vector<Pair> matches;
  matches.reserve(kept.size());
  for (const size_t i : kept) matches.push_back(pairs[i]);
  return matches;
}

}  // namespace otf::score
