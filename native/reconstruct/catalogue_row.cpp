#include "reconstruct/catalogue_row.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "sky/gaussian.h"

namespace otf {
namespace {

constexpr double kDetected = 3;  // errors
constexpr double kConstantChance = 1e-3;
/// Of all frames and of runs: as if there were nothing the one had in common with the other.
constexpr double kTests = 2;
constexpr double kFaint = 0.2, kGone = 0.1;  // of the peak
constexpr size_t kLeastFaintFrames = 3;

}  // namespace

std::string_view labelName(SourceLabel label) {
  switch (label) {
    case SourceLabel::kSteady:
      return "steady";
    case SourceLabel::kVariable:
      return "variable";
    case SourceLabel::kTransient:
      return "transient";
  }
  return "";
}

SourceLabel labelOf(const MeasuredSource& source, const Variability& variability) {
  if (!(kTests * std::fmin(variability.pConstant, variability.pRun) < kConstantChance))
    return SourceLabel::kSteady;
  const double top = *std::max_element(source.fluxRec.begin(), source.fluxRec.end());
  double sum = 0, weights = 0;
  size_t faint = 0;
  for (size_t t = 0; t < source.flux.size(); ++t) {
    if (!std::isfinite(source.flux[t]) || source.fluxRec[t] >= kFaint * top) continue;
    const double weight = 1 / (source.fluxError[t] * source.fluxError[t]);
    sum += weight * source.flux[t];
    weights += weight;
    ++faint;
  }
  if (faint < kLeastFaintFrames) return SourceLabel::kVariable;
  const double mean = sum / weights, error = 1 / std::sqrt(weights);
  return mean < kDetected * error || mean < kGone * top ? SourceLabel::kTransient : SourceLabel::kVariable;
}

std::vector<double> frameSeconds(const std::vector<double>& timesMjd) {
  constexpr double kSecondsPerDay = 86400;
  std::vector<double> gaps;
  for (size_t t = 1; t < timesMjd.size(); ++t)
    gaps.push_back((timesMjd[t] - timesMjd[t - 1]) * kSecondsPerDay);
  std::vector<double> sorted = gaps;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  const double most = *middle;
  std::vector<double> out;
  for (size_t t = 0; t < timesMjd.size(); ++t) {
    const double before = t > 0 ? gaps[t - 1] : most, after = t < gaps.size() ? gaps[t] : most;
    out.push_back((std::min(before, most) + std::min(after, most)) / 2);
  }
  return out;
}

ReconstructedSource catalogueRow(MeasuredSource measured, const RowScales& scales) {
  ReconstructedSource out;
  const size_t frames = measured.flux.size();
  out.variability = variabilityOf(measured.flux, measured.fluxError);
  const auto top = std::max_element(measured.fluxRec.begin(), measured.fluxRec.end());
  out.peakFrame = static_cast<int>(top - measured.fluxRec.begin());
  out.peakFlux = *top;
  double signal = 0, noise = 0;
  out.upperLimit.assign(frames, std::numeric_limits<double>::quiet_NaN());
  out.detected.assign(frames, false);
  for (size_t t = 0; t < frames; ++t) {
    const double flux = measured.flux[t], error = measured.fluxError[t],
                 profile = std::max(0.0, measured.fluxRec[t]);
    if (measured.fluxRec[t] > *top / 2) out.durationS += scales.frameSeconds[t];
    if (!std::isfinite(flux)) continue;
    signal += profile * flux / (error * error);
    noise += profile * profile / (error * error);
    out.detected[t] = flux > kDetected * error;
    if (out.detected[t]) {
      ++out.framesDetected;
    } else {
      out.upperLimit[t] = std::max(0.0, flux) + kDetected * error;
    }
  }
  out.snr = noise > 0 ? signal / std::sqrt(noise) : std::numeric_limits<double>::quiet_NaN();
  out.peakFluxError = scales.fluxRecError * measured.fluxError[static_cast<size_t>(out.peakFrame)];
  out.positionErrorPx = measured.isComponent && out.snr > 0 ? scales.beamPx / (kFwhmPerSigma * out.snr)
                                                            : std::numeric_limits<double>::quiet_NaN();
  out.label = labelOf(measured, out.variability);
  out.measured = std::move(measured);
  return out;
}

void findNeighbours(std::vector<ReconstructedSource>& sources) {
  for (size_t i = 0; i < sources.size(); ++i) {
    double best = std::numeric_limits<double>::infinity();
    for (size_t j = 0; j < sources.size(); ++j) {
      if (i == j) continue;
      const double distance = std::hypot(sources[i].measured.x - sources[j].measured.x,
                                         sources[i].measured.y - sources[j].measured.y);
      if (distance < best) {
        best = distance;
        sources[i].nearest = static_cast<int>(j);
      }
    }
    sources[i].nearestPx = sources[i].nearest < 0 ? std::numeric_limits<double>::quiet_NaN() : best;
  }
}

}  // namespace otf
