// From what was found again to reliability and completeness (docs/quality.md).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "detect/quality/false_fraction.h"
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

/// Detections that are no nearer to a mock than that.
std::vector<Seen> farFrom(std::span<const Mock> mocks, std::span<const Seen> detections, double radius);

struct QualityBin {
  double low = 0, high = 0;  // edges; the last has none above
  int64_t found = 0, negative = 0;
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

/// The curve of the detections and negatives that are significant.
FalseFraction falseFraction(const Tally& tally);

/// A bin's reliability is the mean of those of its detections: 0 of one that is not significant, else one less the false part.
std::vector<QualityBin> binned(const Tally& tally, const FalseFraction& curve, std::span<const double> edges);

/// NaN of an SNR that is none.
double reliabilityAt(const FalseFraction& curve, double snr);

}  // namespace otf::quality
