// The plain scorer: one catalogue against a truth on the sky, nothing weighed (docs/score.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "score/bins.h"

namespace otf::score {

/// Columns of one catalogue; NaN = missing, empty = it has none.
struct PlainCatalogue {
  std::vector<double> raDeg, decDeg, flux;
  std::vector<double> raErrorArcsec, decErrorArcsec, fluxError;
  std::vector<double> rank;  // what thresholds are set on, e.g. objectness
  std::vector<double> snr;   // of a truth: its peak over the noise
  std::vector<std::string> warnings;
  std::string fluxUnit;  // Jy where the file's unit can be turned into it; else the file's; "" = not said
};

struct PlainOptions {
  double radiusArcsec = 1.5;
  double minSnr = 0;    // truth below it may be matched, but is not missed when it is not
  int bins = 10;        // of flux, equal in logarithm
  int thresholds = 20;  // of `rank`: equal in number of detections
  int threads = 1;
};

/// Median and deviation (1.4826 times the median absolute deviation) of what there is of a kind; NaN of none.
struct Spread {
  int64_t count = 0;
  double median, deviation;
};

struct PlainBin {
  double fluxLow, fluxHigh;
  Fraction completeness;             // of the truth with such a flux
  Fraction purity;                   // of the detections with such a flux
  Spread ra, dec, separation;        // arcsec, found less true; RA times the cosine of the declination
  Spread fluxRatio;                  // found over true
  Spread raPull, decPull, fluxPull;  // differences over their errors
};

/// What is left when detections below a threshold are dropped, matched anew.
struct PlainThreshold {
  double rank;
  int64_t detections;
  Fraction completeness, purity;
};

struct PlainResult {
  int64_t detections = 0, truths = 0, counted = 0, matches = 0;
  PlainBin all;
  std::vector<PlainBin> bins;
  std::vector<PlainThreshold> thresholds;  // from the lowest; empty without a rank
  std::string fluxUnit;
  std::vector<std::string> warnings;
};

/// Pairs: each row once, the closest first. Throws kUnitMismatch; kTableColumn for a minSnr where the truth has no snr; as
/// pairsWithin.
PlainResult scorePlain(const PlainCatalogue& found, const PlainCatalogue& truth, const PlainOptions& options);

struct PlainColumns {
  std::string flux, rank, ra, dec;  // "" = those a catalogue made here has
};
/// Throws kTableColumn, kTableUnreadable.
PlainCatalogue readPlain(const std::string& path, const PlainColumns& columns);

}  // namespace otf::score
