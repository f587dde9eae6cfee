#include "score/bins.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace otf::score {

Fraction fractionOf(int64_t part, int64_t whole) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  if (whole == 0) return {part, whole, kNaN, kNaN, kNaN};
  const auto n = static_cast<double>(whole);
  const double p = static_cast<double>(part) / n;
  // One sigma: z = 1.
  const double centre = (p + 0.5 / n) / (1 + 1 / n);
  const double half = std::sqrt(p * (1 - p) / n + 0.25 / (n * n)) / (1 + 1 / n);
  return {part, whole, p, std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

std::vector<double> logEdges(const std::vector<double>& values, int bins) {
  double low = std::numeric_limits<double>::infinity(), high = 0;
  for (const double value : values) {
    if (!(value > 0) || !std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  if (!(high > 0)) return {};
  if (low == high) return {low, std::nextafter(high, std::numeric_limits<double>::infinity())};
  std::vector<double> edges;
  for (int i = 0; i <= bins; ++i)
    edges.push_back(low * std::exp(std::log(high / low) * static_cast<double>(i) / bins));
  edges.back() = high;
  return edges;
}

int binOf(const std::vector<double>& edges, double value) {
  if (edges.size() < 2 || !(value >= edges.front() && value <= edges.back())) return -1;
  const auto above = std::ranges::upper_bound(edges, value);
  return std::min(static_cast<int>(above - edges.begin()), static_cast<int>(edges.size()) - 1) - 1;
}

}  // namespace otf::score
