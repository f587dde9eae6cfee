#include "reconstruct/noise_peaks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "reconstruct/peaks.h"

namespace otf {
namespace {

constexpr double kCardSnr = 5;
constexpr double kPerVoxel = 0.1 / (64 * 64 * 32);  // above it, in an empty cube of the training
/// Peaks are counted from this part of the level up to it, where few sources are: the nearest with enough of them.
constexpr std::array kFroms = {0.85, 0.775, 0.7};
constexpr double kLowest = kFroms.back();
constexpr size_t kEnough = 100;
constexpr size_t kFewest = 20;  // for a number good to a quarter
/// What the rate is in cubes of noise of 32 to 256 frames, and by what factor it differs between them: few peaks do not tell it.
constexpr double kUsualRate = 0.22, kRateSpread = 0.2;
constexpr double kLeastRate = 0.05, kMostRate = 0.8;
constexpr int kRateSteps = 400, kMostRounds = 60;
constexpr double kSettled = 1e-3;

/// Most likely rate of squares of SNRs that are exponential within `range`, of which `count` have this sum above its beginning.
double likelyRate(double count, double sum, double range) {
  double best = 0, rate = kUsualRate;
  for (int i = 0; i <= kRateSteps; ++i) {
    const double it = kLeastRate * std::pow(kMostRate / kLeastRate, static_cast<double>(i) / kRateSteps);
    const double off = std::log(it / kUsualRate) / kRateSpread;
    const double likelihood =
        count * std::log(it) - it * sum - count * std::log1p(-std::exp(-it * range)) - 0.5 * off * off;
    if (i > 0 && likelihood <= best) continue;
    best = likelihood;
    rate = it;
  }
  return rate;
}

/// False: they are fewer than `least`.
bool countFrom(double from, double level, size_t least, const std::vector<float>& peaks, NoisePeaks& out) {
  const double range = level * level - from * from;
  double sum = 0;
  size_t count = 0;
  for (const float value : peaks) {
    const double snr = static_cast<double>(value);
    if (snr < from || snr > level) continue;
    sum += snr * snr - from * from;
    ++count;
  }
  if (count < least) return false;
  out.from = from;
  out.rate = likelyRate(static_cast<double>(count), sum, range);
  out.count = static_cast<double>(count) / -std::expm1(-out.rate * range);
  return true;
}

bool countBelow(double level, const std::vector<float>& peaks, NoisePeaks& out) {
  for (const double part : kFroms) {
    if (countFrom(part * level, level, part > kLowest ? kEnough : kFewest, peaks, out)) return true;
  }
  return false;
}

}  // namespace

double NoisePeaks::above(double snr) const {
  const double raw = snr * scale;
  return count * std::exp(-rate * (raw * raw - from * from));
}

double NoisePeaks::snrOf(double peaks) const {
  return std::sqrt(std::max(0.0, from * from + std::log(count / peaks) / rate)) / scale;
}

NoisePeaks noisePeaks(std::span<const float> map, int64_t width, int64_t height, int64_t voxels) {
  const double expected = kPerVoxel * static_cast<double>(voxels);
  const std::vector<float> peaks = peakValues(map, width, height, kLowest * kCardSnr);
  NoisePeaks out{1, false, kCardSnr, expected, kUsualRate};
  double level = kCardSnr;
  for (int round = 0; round < kMostRounds && countBelow(level, peaks, out); ++round) {
    out.isMeasured = true;
    const double squared = out.from * out.from + std::log(out.count / expected) / out.rate;
    // Half the way: the peaks that are counted change with it. Never below the card's.
    const double next = std::max(kCardSnr, (level + std::sqrt(std::max(squared, 0.0))) / 2);
    const bool isSettled = std::abs(next - level) < kSettled;
    level = next;
    if (isSettled) break;
  }
  out.scale = level / kCardSnr;
  return out;
}

}  // namespace otf
