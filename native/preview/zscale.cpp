#include "preview/zscale.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace otf::preview {
namespace {

constexpr double kContrast = 0.25, kMaxReject = 0.5, kRejectSigma = 2.5, kGrow = 0.01;
constexpr int kMinPixels = 5, kIterations = 5;

struct Line {
  double slope = 0, intercept = 0;
};

/// Least squares through (i, sorted[i]) where bad[i] is 0. As numpy's lstsq, the slope of fewer than two points is 0.
Line fit(std::span<const float> sorted, const std::vector<char>& bad) {
  double n = 0, meanX = 0, meanY = 0;
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (bad[i] != 0) continue;
    n += 1;
    meanX += static_cast<double>(i);
    meanY += sorted[i];
  }
  if (n == 0) return {};
  meanX /= n;
  meanY /= n;
  double xx = 0, xy = 0;
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (bad[i] != 0) continue;
    const double x = static_cast<double>(i) - meanX;
    xx += x * x;
    xy += x * (sorted[i] - meanY);
  }
  const double slope = xx > 0 ? xy / xx : 0;
  return {slope, meanY - slope * meanX};
}

double deviation(const std::vector<double>& flat, const std::vector<char>& bad) {
  double n = 0, mean = 0, squares = 0;
  for (size_t i = 0; i < flat.size(); ++i) {
    if (bad[i] == 0) {
      n += 1;
      mean += flat[i];
    }
  }
  if (n == 0) return 0;
  mean /= n;
  for (size_t i = 0; i < flat.size(); ++i)
    if (bad[i] == 0) squares += (flat[i] - mean) * (flat[i] - mean);
  return std::sqrt(squares / n);
}

/// Neighbours of a rejected pixel go with it: numpy.convolve(bad, ones(width), "same").
std::vector<char> grown(const std::vector<char>& bad, int64_t width) {
  const auto size = static_cast<int64_t>(bad.size());
  const int64_t ahead = (width - 1) / 2, behind = width - 1 - ahead;
  std::vector<char> out(bad.size(), 0);
  for (int64_t i = 0; i < size; ++i) {
    const int64_t first = std::max<int64_t>(0, i - behind), last = std::min(size - 1, i + ahead);
    for (int64_t j = first; j <= last && out[static_cast<size_t>(i)] == 0; ++j)
      out[static_cast<size_t>(i)] = bad[static_cast<size_t>(j)];
  }
  return out;
}

}  // namespace

std::optional<Cuts> zscale(std::span<const float> sorted) {
  if (sorted.empty()) return std::nullopt;
  const auto count = static_cast<int64_t>(sorted.size());
  Cuts cuts{sorted.front(), sorted.back()};
  const int64_t least =
      std::max<int64_t>(kMinPixels, static_cast<int64_t>(static_cast<double>(count) * kMaxReject));
  const int64_t width = std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(count) * kGrow));
  std::vector<char> bad(sorted.size(), 0);
  std::vector<double> flat(sorted.size());
  Line line;
  int64_t good = count, before = count + 1;
  for (int iteration = 0; iteration < kIterations && good < before && good >= least; ++iteration) {
    line = fit(sorted, bad);
    for (size_t i = 0; i < flat.size(); ++i)
      flat[i] = sorted[i] - (line.intercept + line.slope * static_cast<double>(i));
    const double threshold = kRejectSigma * deviation(flat, bad);
    for (size_t i = 0; i < flat.size(); ++i)
      if (std::abs(flat[i]) > threshold) bad[i] = 1;
    bad = grown(bad, width);
    before = good;
    good = std::count(bad.begin(), bad.end(), 0);
  }
  if (good < least) return cuts;
  const double slope = line.slope / kContrast;
  const int64_t centre = (count - 1) / 2;
  const double median = quantile(sorted, 0.5);
  cuts.low = std::max(cuts.low, median - static_cast<double>(centre - 1) * slope);
  cuts.high = std::min(cuts.high, median + static_cast<double>(count - centre) * slope);
  return cuts;
}

double quantile(std::span<const float> sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double low = sorted[below], high = sorted[above];
  return low + (high - low) * (at - static_cast<double>(below));
}

}  // namespace otf::preview
