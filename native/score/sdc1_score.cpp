// Steps 7 and 8 of docs/score.md.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "score/sdc1.h"
#include "score/sky_match.h"

namespace otf::score {
namespace {

constexpr double kLas = 1, kGauss = 2, kExponential = 3;  // kinds of size
constexpr double kGaussPerLas = 0.471;
constexpr double kPositionThreshold = 0.3, kFluxThreshold = 0.1, kSizeThreshold = 0.3, kPaThreshold = 10,
                 kCoreThreshold = 0.05, kCoreScale = 0.75;

/// An error of 0 is full marks; one that is no number (0 of 0) none.
double scoreOf(double error, double threshold) {
  return error <= threshold ? 1 : std::isnan(error) ? 0 : threshold / error;
}

/// A submitted axis in the kind of size the truth has.
double converted(double axis, double from, double to) {
  const double root = std::sqrt(2.0);
  if (from == kLas && to == kGauss) return axis * kGaussPerLas;
  if (from == kLas && to == kExponential) return axis * kGaussPerLas / root;
  if (from == kGauss && to == kLas) return axis / kGaussPerLas;
  if (from == kGauss && to == kExponential) return axis / root;
  if (from == kExponential && to == kLas) return axis * root / kGaussPerLas;
  if (from == kExponential && to == kGauss) return axis * root;
  return axis;
}

/// Not a fold onto a half-circle: each step is taken once, in this order (a quirk).
double folded(double pa) {
  if (pa > 180) pa -= 180;
  if (pa > 90) pa -= 90;
  if (pa > 45) pa -= 45;
  if (pa < -45) pa += 45;
  return pa;
}

double positionError(const Sdc1Catalogue& a, size_t i, const Sdc1Catalogue& t, size_t j, double beam) {
  const double core = separationArcsec(a.raCore[i], a.decCore[i], t.raCore[j], t.decCore[j]);
  const double centroid = separationArcsec(a.raCent[i], a.decCent[i], t.raCent[j], t.decCent[j]);
  const double mean = (t.bMaj[j] + t.bMin[j]) / 2;
  return std::min(core, centroid) / std::sqrt(4 * beam * beam + mean * mean);
}

Sdc1Match scored(const Sdc1Catalogue& a, const Sdc1Catalogue& t, const Sdc1Pair& pair, double beam) {
  const auto i = static_cast<size_t>(pair.submitted), j = static_cast<size_t>(pair.truth);
  const double kind = t.size[j];
  const auto axisScore = [&](double submitted, double truth) {
    return scoreOf(std::abs(converted(submitted, a.size[i], kind) - truth) / truth, kSizeThreshold);
  };
  const auto digits = [](const Sdc1Catalogue& of, size_t row) {
    return of.idDigits.empty() ? "" : of.idDigits[row];
  };
  Sdc1Match match{a.id[i], t.id[j], digits(a, i), digits(t, j), pair.error, {}};
  match.scores = {scoreOf(positionError(a, i, t, j, beam), kPositionThreshold),
                  scoreOf(std::abs(a.flux[i] - t.flux[j]) / t.flux[j], kFluxThreshold),
                  axisScore(a.bMaj[i], t.bMaj[j]),
                  kind == kLas ? 1 : axisScore(a.bMin[i], t.bMin[j]),
                  kind == kLas ? 1 : scoreOf(std::abs(folded(a.pa[i]) - folded(t.pa[j])), kPaThreshold),
                  scoreOf(std::abs(a.coreFrac[i] - t.coreFrac[j]) / kCoreScale, kCoreThreshold),
                  a.type[i] == t.type[j] ? 1.0 : 0.0};
  return match;
}

}  // namespace

Sdc1Result scoreSdc1(Sdc1Catalogue submission, Sdc1Catalogue truth, const Sdc1Options& options) {
  Sdc1Result result;
  prepareSdc1(submission, options, result.submission);
  prepareSdc1(truth, options, result.truth);
  const std::vector<Sdc1Pair> pairs = matchSdc1(submission, truth, options, result.bad);

  const double beam = sdc1BeamArcsec(options.frequency);
  constexpr size_t kScores = kSdc1Scores.size();
  for (const Sdc1Pair& pair : pairs) {
    result.rows.push_back(scored(submission, truth, pair, beam));
    const auto& scores = result.rows.back().scores;
    result.scoreDetections += std::accumulate(scores.begin(), scores.end(), 0.0) / kScores;
    for (size_t k = 0; k < kScores; ++k) result.meanScores[k] += scores[k];
  }
  result.detections = submission.rows();
  result.matches = static_cast<int64_t>(pairs.size());
  result.falses = result.detections - result.matches;
  result.score = result.scoreDetections - static_cast<double>(result.falses);
  if (result.matches == 0) return result;
  const auto matches = static_cast<double>(result.matches);
  result.accuracyPercent = 100 * result.scoreDetections / matches;
  for (double& mean : result.meanScores) mean /= matches;
  return result;
}

}  // namespace otf::score
