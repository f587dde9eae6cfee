#include "detect/quality/false_fraction.h"

#include <algorithm>
#include <cmath>

namespace otf::quality {
namespace {

/// Where the curve's level is told: level and slope are nearly independent there.
constexpr double kCentre = 4;
/// What is known before anything is counted: peaks of noise become rarer by about this power of e per sigma at four sigma; it
/// decides when there are few negatives.
constexpr double kUsualSlope = -3, kSlopeSpread = 2;
/// Curves are not steeper or more certain than this.
constexpr double kMostLevel = 12, kSteepest = -12;
constexpr int kMostSteps = 100;
constexpr double kEnough = 1e-9;
/// Gehrels 1986: one sigma above a count of none.
constexpr double kNoneUpper = 1.841;

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

/// Second derivatives of the likelihood.
struct Curvature {
  double level = 0, cross = 0, slope = 0;
  double determinant() const { return level * slope - cross * cross; }
};

}  // namespace

FalseFraction::FalseFraction(std::span<const double> found, std::span<const double> negative,
                             double sampled) {
  const double weight = sampled > 0 ? 1 / sampled : 0;
  none_ = negative.empty() || weight == 0;
  if (none_) {
    most_ = found.empty() ? 1 : std::min(1.0, kNoneUpper * weight / static_cast<double>(found.size()));
    return;
  }
  fit(found, negative, weight);
  judge(found, negative, weight);
}

/// Newton's steps on a convex function of two unknowns, shortened to what is sensible.
void FalseFraction::fit(std::span<const double> found, std::span<const double> negative, double weight) {
  const double wanted = weight * static_cast<double>(negative.size());
  const double share =
      std::clamp(wanted / std::max<double>(1, static_cast<double>(found.size())), 1e-6, 1 - 1e-6);
  level_ = std::log(share / (1 - share));
  slope_ = kUsualSlope;
  double wantedMoment = 0;
  for (const double snr : negative) wantedMoment += weight * (snr - kCentre);
  const double prior = 1 / (kSlopeSpread * kSlopeSpread);
  for (int step = 0; step < kMostSteps; ++step) {
    Curvature curve{1e-9, 0, prior};
    double level = -wanted, slope = -wantedMoment + prior * (slope_ - kUsualSlope);
    for (const double snr : found) {
      const double at = snr - kCentre, part = logistic(level_ + slope_ * at), change = part * (1 - part);
      level += part;
      slope += at * part;
      curve.level += change;
      curve.cross += at * change;
      curve.slope += at * at * change;
    }
    const double by = curve.determinant();
    double toLevel = -(curve.slope * level - curve.cross * slope) / by;
    double toSlope = -(curve.level * slope - curve.cross * level) / by;
    const double length = std::max(std::abs(toLevel), std::abs(toSlope));
    if (length > 1) toLevel /= length, toSlope /= length;
    level_ = std::clamp(level_ + toLevel, -kMostLevel, kMostLevel);
    slope_ = std::clamp(slope_ + toSlope, kSteepest, 0.0);
    if (length < kEnough) return;
  }
}

/// Errors of level and slope: the negatives are Poisson numbers.
void FalseFraction::judge(std::span<const double> found, std::span<const double> negative, double weight) {
  Curvature curve{1e-9, 0, 1 / (kSlopeSpread * kSlopeSpread)}, noise{0, 0, curve.slope};
  for (const double snr : found) {
    const double at = snr - kCentre, part = logistic(level_ + slope_ * at), change = part * (1 - part);
    curve.level += change;
    curve.cross += at * change;
    curve.slope += at * at * change;
  }
  for (const double snr : negative) {
    const double at = snr - kCentre, square = weight * weight;
    noise.level += square;
    noise.cross += square * at;
    noise.slope += square * at * at;
  }
  // inverse(curve) noise inverse(curve)
  const double by = curve.determinant();
  const double a = curve.slope / by, b = -curve.cross / by, d = curve.level / by;
  const double aa = a * noise.level + b * noise.cross, ab = a * noise.cross + b * noise.slope;
  const double ba = b * noise.level + d * noise.cross, bb = b * noise.cross + d * noise.slope;
  levelVariance_ = aa * a + ab * b;
  covariance_ = aa * b + ab * d;
  slopeVariance_ = ba * b + bb * d;
}

FalsePart FalseFraction::at(double snr) const {
  if (none_) return {0, 0, most_};
  const double from = snr - kCentre, line = level_ + slope_ * from;
  const double variance = levelVariance_ + 2 * covariance_ * from + slopeVariance_ * from * from;
  const double sigma = std::sqrt(std::max(0.0, variance));
  return {logistic(line), logistic(line - sigma), logistic(line + sigma)};
}

}  // namespace otf::quality
