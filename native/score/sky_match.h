// Pairs of two catalogues on the sky.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace otf::score {

/// Degrees. A row whose position is not finite pairs with nothing.
struct SkyPoints {
  std::span<const double> raDeg, decDeg;
  size_t count() const { return raDeg.size(); }
};

/// Great-circle separation in arcsec, right at every distance (Vincenty's formula, as astropy has it).
double separationArcsec(double raA, double decA, double raB, double decB);

struct Pair {
  int64_t a = 0, b = 0;
  double separation = 0;  // arcsec
};

/// Every pair at most `radiusArcsec` apart, by a, then b. Right at the poles and across RA 0. Threads do not change it.
/// Throws kInvalidArgument for a radius outside (0, 3600], kOutOfMemory above `mostPairs`.
/// Zones of declination: Gray, Nieto-Santisteban and Szalay 2006, MSR-TR-2006-52.
std::vector<Pair> pairsWithin(const SkyPoints& a, const SkyPoints& b, double radiusArcsec, int threads,
                              int64_t mostPairs = int64_t{1} << 28);

/// Pairs in which each row is once: the closest first, of equals the lower a, then b. `distance` of each pair is what is
/// compared; the result by a. Rows for which `useA` is 0 are left out (empty = all).
std::vector<Pair> closestPairs(std::span<const Pair> pairs, std::span<const double> distance, size_t countA,
                               size_t countB, std::span<const uint8_t> useA = {});

}  // namespace otf::score
