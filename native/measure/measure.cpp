#include "measure/measure.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "measure/bands.h"
#include "measure/group_fitter.h"
#include "measure/groups.h"
#include "measure/peaks.h"
#include "measure/reach.h"
#include "measure/squares.h"

namespace otf::measure {
namespace {

std::vector<Peak> findPeaks(const ImagePixels& image, const NoiseMap& noise,
                            std::span<const Detection> detections, const MeasureOptions& options) {
  std::vector<Extent2> extents;
  for (const Detection& detection : detections) {
    const double reach = peakReach(detection);
    extents.push_back(Extent2::around(detection.x, detection.y, reach, reach));
  }
  std::vector<Peak> peaks(detections.size());
  overBands(image, extents, options.threads, options.cancel,
            [&](std::span<const size_t> items, const Window& window) {
              for (const size_t i : items) peaks[i] = findPeak(detections[i], noise, window);
            });
  return peaks;
}

/// Every group once, those of neighbouring rows together.
template <typename Fit>
void overGroups(const ImagePixels& image, const Grouping& grouping, std::span<const Peak> peaks,
                const MeasureOptions& options, Fit fit) {
  std::vector<Extent2> extents;
  for (const std::vector<size_t>& group : grouping.groups) {
    Extent2 all = extentOf(peaks[group.front()].start);
    for (const size_t i : group) all.include(extentOf(peaks[i].start));
    extents.push_back(all);
  }
  overBands(image, extents, options.threads, options.cancel, fit);
}

/// Below this no pixel is the brightest one of a source of an SNR: its peak may be where four pixels meet, and the noise may hide
/// as much of it as its deviation. Of a high SNR it is that of kMostLeftOut: neighbours would miss brighter ones in their fits.
double faintestPixel(const Covariance& beam, double rms, double snr) {
  constexpr double kHidden = 1, kMostLeftOut = 5;
  const Gaussian unit{1, 0, 0, beam};
  return rms * (std::min(snr, kMostLeftOut) * std::min(unit.at(0.5, 0.5), unit.at(0.5, -0.5)) - kHidden);
}

std::vector<Gaussian> startsOf(std::span<const Peak> peaks) {
  std::vector<Gaussian> starts;
  for (const Peak& peak : peaks) starts.push_back(peak.start);
  return starts;
}

Measurement unmeasured(const NoiseMap::Value& local) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  Measurement out;
  out.fit = {kNaN, kNaN, kNaN, {kNaN, kNaN, kNaN}};
  out.errors = {kNaN, {kNaN, kNaN, kNaN}, kNaN, kNaN, kNaN, kNaN};
  out.background = local.background;
  out.rms = local.rms;
  out.fluxRatio = kNaN;
  out.flags = kFitFailed;
  return out;
}

/// What is not wanted need not be fitted: its brightest pixel is all that is told.
Measurement tooFaint(const NoiseMap::Value& local, const Peak& peak) {
  Measurement out = unmeasured(local);
  out.fit = peak.start;
  return out;
}

/// For each place the first of those that are one with it, -1 = it is that one itself.
std::vector<int32_t> firstsOfSame(std::span<const Detection> places, std::span<const uint8_t> used) {
  /// Nearer to each other than this, in FWHM of the beam, peaks cannot be told apart: no fit has one solution.
  constexpr double kSameWidths = 0.05;
  double widest = 0;
  for (size_t i = 0; i < places.size(); ++i) {
    if (used[i]) widest = std::max({widest, places[i].beam.xx, places[i].beam.yy});
  }
  const double limit = kSameWidths * kFwhmPerSigma, side = std::max(limit * std::sqrt(widest), 1e-3);
  Squares squares(places.size());
  std::vector<int32_t> firsts(places.size(), -1);
  for (size_t i = 0; i < places.size(); ++i) {
    if (!used[i]) continue;
    const auto column = static_cast<int64_t>(std::floor(places[i].x / side)),
               row = static_cast<int64_t>(std::floor(places[i].y / side));
    for (int64_t cell = 0; cell < 9; ++cell) {
      squares.in(column + cell % 3 - 1, row + cell / 3 - 1, [&](size_t other) {
        const Covariance& beam = places[other].beam;
        const double dx = places[i].x - places[other].x, dy = places[i].y - places[other].y;
        const double form = beam.yy * dx * dx - 2 * beam.xy * dx * dy + beam.xx * dy * dy;
        if (form <= limit * limit * beam.determinant()) firsts[i] = static_cast<int32_t>(other);
      });
    }
    if (firsts[i] < 0) squares.add(column, row, i);
  }
  return firsts;
}

}  // namespace

std::vector<Measurement> measureDetections(const ImagePixels& image, const NoiseMap& noise,
                                           std::span<const Detection> detections,
                                           const MeasureOptions& options) {
  const std::vector<Peak> peaks = findPeaks(image, noise, detections, options);
  const std::vector<int32_t> firsts = findDuplicates(detections, peaks);
  std::vector<Measurement> out(detections.size());
  std::vector<uint8_t> used(detections.size());
  for (size_t i = 0; i < used.size(); ++i) {
    const Peak& peak = peaks[i];
    if (!detections[i].beam.isPositive() || !std::isfinite(peak.start.peak)) {
      out[i] = unmeasured(noise.at(detections[i].x, detections[i].y));
      continue;
    }
    const NoiseMap::Value local = noise.at(peak.start.x, peak.start.y);
    const bool isFaint =
        options.minSnr > 0 && peak.start.peak < faintestPixel(detections[i].beam, local.rms, options.minSnr);
    used[i] = peak.found && firsts[i] < 0 && local.rms > 0 && !isFaint;
    if (!used[i]) out[i] = isFaint ? tooFaint(local, peak) : unmeasured(local);
  }
  const Grouping grouping = groupSources(startsOf(peaks), used);
  for (size_t i = 0; i < out.size(); ++i) {
    if (grouping.overlapped[i]) out[i].flags |= kBrightNeighbour;
  }
  overGroups(image, grouping, peaks, options, [&](std::span<const size_t> groups, const Window& window) {
    fitGroups({image, noise, detections, peaks, options.effort, options.minSnr}, grouping, groups, window,
              out);
  });
  for (size_t i = 0; i < out.size(); ++i) {
    if (firsts[i] >= 0) out[i].duplicateOf = firsts[i];
    if (out[i].duplicateOf >= 0) out[static_cast<size_t>(out[i].duplicateOf)].flags |= kMerged;
  }
  return out;
}

std::vector<Measurement> measureAt(const ImagePixels& image, const NoiseMap& noise,
                                   std::span<const Detection> places, const MeasureOptions& options) {
  std::vector<Peak> peaks(places.size());
  std::vector<uint8_t> used(places.size());
  for (size_t i = 0; i < places.size(); ++i) {
    const Detection& place = places[i];
    peaks[i].start = {1, place.x, place.y, place.beam};
    used[i] = std::isfinite(place.x) && std::isfinite(place.y) && place.beam.isPositive() &&
              noise.at(place.x, place.y).rms > 0;
  }
  const std::vector<int32_t> firsts = firstsOfSame(places, used);
  for (size_t i = 0; i < used.size(); ++i) used[i] = used[i] && firsts[i] < 0;
  const Grouping grouping = groupSources(startsOf(peaks), used);
  std::vector<Measurement> out(places.size());
  for (size_t i = 0; i < out.size(); ++i) {
    if (!used[i]) out[i] = unmeasured(noise.at(places[i].x, places[i].y));
    if (grouping.overlapped[i]) out[i].flags |= kBrightNeighbour;
  }
  overGroups(image, grouping, peaks, options, [&](std::span<const size_t> groups, const Window& window) {
    fitGroupsInPlace({image, noise, places, peaks, options.effort, options.minSnr}, grouping, groups, window,
                     out);
  });
  for (size_t i = 0; i < out.size(); ++i) {
    if (firsts[i] < 0) continue;
    Measurement& first = out[static_cast<size_t>(firsts[i])];
    first.flags |= kMerged;
    out[i] = first;
  }
  return out;
}

}  // namespace otf::measure
