#include "reconstruct/variability.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <vector>

namespace otf {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kLeastMeanSnr = 3;

/// Of weights and weighted values, about their mean. Runs differ from the frames outside of them, whose errors are their own.
double runChance(const std::vector<double>& weights, const std::vector<double>& weighted) {
  const size_t count = weights.size();
  std::vector<double> w(count + 1), wf(count + 1);  // sums of those before
  for (size_t i = 0; i < count; ++i) {
    w[i + 1] = w[i] + weights[i];
    wf[i + 1] = wf[i] + weighted[i];
  }
  double most = 0, runs = 0;  // in errors of the difference, squared
  for (size_t length = 1; 2 * length <= count; length *= 2) {
    for (size_t i = 0; i + length <= count; ++i) {
      const double inside = w[i + length] - w[i], sum = wf[i + length] - wf[i];
      const double outside = w[count] - inside;
      const double difference = sum / inside - (wf[count] - sum) / outside;
      most = std::max(most, difference * difference / (1 / inside + 1 / outside));
      runs += 1;
    }
  }
  return std::min(1.0, runs * std::erfc(std::sqrt(most / 2)));
}

}  // namespace

double chiSquareSurvival(double x, int degrees) {
  if (!(x > 0)) return 1;
  // Terms are summed by their logarithms' differences: each is the one before times x / (2 k) or x / (2 k + 1).
  if (degrees % 2 == 0) {
    double logTerm = -x / 2, sum = 0;
    for (int k = 0; k < degrees / 2; ++k) {
      if (k > 0) logTerm += std::log(x / 2 / k);
      sum += std::exp(logTerm);
    }
    return std::fmin(sum, 1);
  }
  double sum = std::erfc(std::sqrt(x / 2));
  double logTerm = 0.5 * std::log(2 * x / std::numbers::pi) - x / 2;
  for (int k = 1; k <= (degrees - 1) / 2; ++k) {
    if (k > 1) logTerm += std::log(x / (2 * k - 1));
    sum += std::exp(logTerm);
  }
  return std::fmin(sum, 1);
}

Variability variabilityOf(std::span<const double> flux, std::span<const double> error) {
  double n = 0, sum = 0, w = 0, wf = 0;
  const auto counts = [&](size_t i) { return std::isfinite(flux[i]) && error[i] > 0; };
  for (size_t i = 0; i < flux.size(); ++i) {
    if (!counts(i)) continue;
    const double weight = 1 / (error[i] * error[i]);
    n += 1;
    sum += flux[i];
    w += weight;
    wf += weight * flux[i];
  }
  if (n < 2) return {kNone, kNone, kNone, kNone, kNone, kNone};
  const double mean = sum / n;
  Variability out;
  out.mean = wf / w;
  out.meanError = 1 / std::sqrt(w);
  std::vector<double> weights, weighted;
  double squares = 0, chi2 = 0;  // about the means, where the difference of large numbers would lose digits
  for (size_t i = 0; i < flux.size(); ++i) {
    if (!counts(i)) continue;
    squares += (flux[i] - mean) * (flux[i] - mean);
    chi2 += (flux[i] - out.mean) * (flux[i] - out.mean) / (error[i] * error[i]);
    weights.push_back(1 / (error[i] * error[i]));
    weighted.push_back((flux[i] - out.mean) * weights.back());
  }
  out.v = out.mean > kLeastMeanSnr * out.meanError && mean > 0 ? std::sqrt(squares / (n - 1)) / mean : kNone;
  out.eta = chi2 / (n - 1);
  out.pConstant = chiSquareSurvival(chi2, static_cast<int>(n) - 1);
  out.pRun = runChance(weights, weighted);
  return out;
}

}  // namespace otf
