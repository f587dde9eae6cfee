// From what was found again to reliability and completeness (docs/quality.md).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "detect/quality/mocks.h"
#include "score/bins.h"

namespace otf::quality {

/// A detection as far as it counts here.
struct Seen {
  double x = 0, y = 0;  // pixels of the image
  double snr = 0, flux = 0;
};

/// Which mocks were found: detections are given to mocks and to what was there before, the closest pairs first, within
/// `radius` pixels, each once.
std::vector<uint8_t> recovered(std::span<const Mock> mocks, std::span<const Seen> before,
                               std::span<const Seen> detections, double radius);

struct QualityBin {
  double low = 0, high = 0;  // edges; the last has none above
  int64_t found = 0, negative = 0;
  int64_t insignificant = 0;                                        // of those found
  double reliability = 0, reliabilityLow = 0, reliabilityHigh = 0;  // NaN of none
  score::Fraction completeness;
};

/// Edges of the bins in SNR; from 0 to infinity.
std::span<const double> snrEdges();

/// A detection whose peak is not above so many times the noise is no source: its measurement says that nothing is there.
constexpr double kSignificantSnr = 3;

/// What bins go by, and the SNR.
struct Counted {
  double value = 0, snr = 0;
  bool isSignificant() const { return snr >= kSignificantSnr; }
};

/// Counts before they are fractions.
struct Tally {
  std::vector<Counted> found, negative;  // detections, and those in the inverted image
  std::vector<double> mocks;             // values
  std::vector<uint8_t> recovered;        // of each mock
  double sampled = 1;                    // part of the searched pixels where the inverted image was searched
};

/// A bin's reliability is 1 - (insignificant + negative / sampled) / found, with the negatives that are significant; its interval is
/// that of the negatives as Poisson numbers (Gehrels 1986). Bins in which it would fall towards brighter sources are joined with
/// their neighbours.
std::vector<QualityBin> binned(const Tally& tally, std::span<const double> edges);

/// Of a value in bins from `binned`; NaN of a value that is none.
double reliabilityAt(std::span<const QualityBin> bins, double value);

}  // namespace otf::quality
