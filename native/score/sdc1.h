// The scorer of the SKA Science Data Challenge 1, with its quirks (docs/score.md).
// Source: Bonaldi et al. 2021, MNRAS 500, 3821, and the package ska-sdc.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "catalogue/catalogue.h"

namespace otf::score {

/// Rows of a submission or a truth; the challenge's own columns in its own units.
struct Sdc1Catalogue {
  std::vector<double> id, raCore, decCore, raCent, decCent, flux, coreFrac, bMaj, bMin, pa, size, type;
  std::vector<std::string>
      idDigits;                     // where a double would round them: `id` are then their ranks; else empty
  std::vector<double> convSize;     // arcsec, after prepare
  std::vector<std::string> filled;  // what the file had no column for, and what stands in

  int64_t rows() const { return static_cast<int64_t>(id.size()); }
  std::array<std::vector<double>*, 12> columns();
};

enum class Sdc1Frequency { k560, k1400, k9200 };  // MHz

struct Sdc1Options {
  Sdc1Frequency frequency = Sdc1Frequency::k560;
  bool train = false;      // inside the training area; else outside
  bool centroids = false;  // candidates by centroids; else by cores
  int threads = 1;
};

/// The seven scores, in the order of the challenge.
constexpr std::array kSdc1Scores = {"position", "flux", "b_maj", "b_min", "pa", "core_frac", "class"};

struct Sdc1Match {
  double id = 0, idTruth = 0;
  std::string idDigits, idTruthDigits;  // as Sdc1Catalogue::idDigits; "" = there are none
  double error = 0;                     // multi-parameter
  std::array<double, kSdc1Scores.size()> scores{};
};

struct Sdc1Counts {
  int64_t read = 0, unread = 0,
          kept = 0;  // rows of the file; dropped for a missing value; after cleaning and area
};

struct Sdc1Result {
  Sdc1Counts submission, truth;
  int64_t detections = 0, matches = 0, bad = 0, falses = 0;  // n_det, n_match, n_bad, n_false
  double scoreDetections = 0, score = 0, accuracyPercent = 0;
  std::array<double, kSdc1Scores.size()> meanScores{};
  std::vector<Sdc1Match> rows;  // accepted ones, by id
};

/// Columns by their names or, in a text without names, by their places. A catalogue made here has one position and no core
/// fraction, size and class: `filled` says what stands in. Units that a table says are converted. Throws kTableColumn, kTableUnreadable,
/// kUnitMismatch.
Sdc1Catalogue readSdc1(const std::string& path, const CatalogueLimits& limits = {});

/// Steps 1 to 3: cleaning, the area, the sizes convolved with the beam. `counts` tells what was dropped.
void prepareSdc1(Sdc1Catalogue& catalogue, const Sdc1Options& options, Sdc1Counts& counts);

/// Steps 4 to 6 on prepared catalogues: accepted pairs by id (rows of both), and how many were too far off.
struct Sdc1Pair {
  int64_t submitted = 0, truth = 0;
  double error = 0;
};
std::vector<Sdc1Pair> matchSdc1(const Sdc1Catalogue& submission, const Sdc1Catalogue& truth,
                                const Sdc1Options& options, int64_t& bad);

/// Steps 7 and 8, of whole catalogues as they were read. Threads do not change it.
Sdc1Result scoreSdc1(Sdc1Catalogue submission, Sdc1Catalogue truth, const Sdc1Options& options);

/// Of the beam of the challenge at this frequency.
double sdc1BeamArcsec(Sdc1Frequency frequency);

}  // namespace otf::score
