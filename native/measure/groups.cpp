#include "measure/groups.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

#include "measure/squares.h"

namespace otf::measure {
namespace {

/// How far a source reaches in a direction.
double reachTowards(const Covariance& shape, double dx, double dy) {
  const double d = shape.determinant(), length = dx * dx + dy * dy;
  if (length == 0) return kLinkSigmas * std::sqrt(std::min(shape.xx, shape.yy));
  const double form = (shape.yy * dx * dx - 2 * shape.xy * dx * dy + shape.xx * dy * dy) / d / length;
  return kLinkSigmas / std::sqrt(form);
}

struct Link {
  size_t a, b;
  double nearness;  // 1 = they just touch
};

/// Candidates come from squares as large as the widest two sources reach.
std::vector<Link> findLinks(std::span<const Gaussian> sources, std::span<const uint8_t> used) {
  double widest = 1;
  for (size_t i = 0; i < sources.size(); ++i) {
    if (used[i]) widest = std::max({widest, sources[i].shape.xx, sources[i].shape.yy});
  }
  const double side = 2 * kLinkSigmas * std::sqrt(widest);
  const auto key = [side](double x, double y) {
    return std::pair{static_cast<int64_t>(std::floor(x / side)), static_cast<int64_t>(std::floor(y / side))};
  };
  Squares squares(sources.size());
  std::vector<Link> links;
  for (size_t i = 0; i < sources.size(); ++i) {
    if (!used[i]) continue;
    const auto [column, row] = key(sources[i].x, sources[i].y);
    for (int64_t y = row - 1; y <= row + 1; ++y) {
      for (int64_t x = column - 1; x <= column + 1; ++x) {
        squares.in(x, y, [&](size_t j) {
          const double dx = sources[i].x - sources[j].x, dy = sources[i].y - sources[j].y;
          const double reach =
              reachTowards(sources[i].shape, dx, dy) + reachTowards(sources[j].shape, dx, dy);
          const double nearness = std::hypot(dx, dy) / reach;
          if (nearness < 1) links.push_back({j, i, nearness});
        });
      }
    }
    squares.add(column, row, i);
  }
  std::ranges::sort(links, [](const Link& a, const Link& b) {
    return std::tie(a.nearness, a.a, a.b) < std::tie(b.nearness, b.a, b.b);
  });
  return links;
}

}  // namespace

Grouping groupSources(std::span<const Gaussian> sources, std::span<const uint8_t> used) {
  std::vector<size_t> parent(sources.size()), members(sources.size(), 1);
  std::iota(parent.begin(), parent.end(), size_t{0});
  const auto rootOf = [&](size_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
  };
  Grouping grouping;
  grouping.overlapped.assign(sources.size(), 0);
  const std::vector<Link> links = findLinks(sources, used);
  for (const Link& link : links) {
    const size_t a = rootOf(link.a), b = rootOf(link.b);
    if (a == b || members[a] + members[b] > kMostTogether) continue;
    parent[std::max(a, b)] = std::min(a, b);
    members[std::min(a, b)] += members[std::max(a, b)];
  }
  for (const Link& link : links) {
    if (rootOf(link.a) == rootOf(link.b)) continue;
    const bool first = sources[link.a].peak < sources[link.b].peak;
    grouping.overlapped[first ? link.a : link.b] = 1;
  }
  // A root is the first of its group.
  std::vector<size_t> place(sources.size());
  for (size_t i = 0; i < sources.size(); ++i) {
    if (!used[i]) continue;
    const size_t root = rootOf(i);
    if (root == i) {
      place[i] = grouping.groups.size();
      grouping.groups.emplace_back();
      grouping.groups.back().reserve(members[i]);
    }
    grouping.groups[place[root]].push_back(i);
  }
  return grouping;
}

}  // namespace otf::measure
