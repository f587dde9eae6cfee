// Counts of two kinds with their intervals.
#pragma once

#include <cstdint>
#include <vector>

namespace otf::score {

/// So many of so many, and where the true fraction lies with 68.27 per cent (Wilson 1927). All NaN of none.
struct Fraction {
  int64_t part = 0, whole = 0;
  double value = 0, low = 0, high = 0;
};
Fraction fractionOf(int64_t part, int64_t whole);

/// Edges of `bins` bins, equal in logarithm, from the smallest to the largest positive value; fewer than two when there is
/// none.
std::vector<double> logEdges(const std::vector<double>& values, int bins);
/// The bin of a value, the last with its upper edge; -1 outside.
int binOf(const std::vector<double>& edges, double value);

}  // namespace otf::score
