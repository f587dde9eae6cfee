#include "reconstruct/trained_ranges.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <iterator>
#include <limits>

namespace otf {
namespace {

std::string shown(double value) {
  char out[32];
  std::snprintf(out, sizeof out, "%.3g", value);
  return out;
}

std::string rangeText(double least, double most) { return shown(least) + " to " + shown(most); }

void checkPsf(const Band& band, const ReconstructorConfig& config, std::vector<std::string>& warnings) {
  std::vector<double> widths;
  std::copy_if(band.psfFwhmPx.begin(), band.psfFwhmPx.end(), std::back_inserter(widths),
               [](double w) { return std::isfinite(w); });
  if (widths.size() < band.psfFwhmPx.size())
    warnings.push_back("the core of the PSF is no peak in " +
                       std::to_string(band.psfFwhmPx.size() - widths.size()) + " frames");
  if (config.psfFwhmMax <= 0 || widths.empty()) return;
  const auto [least, most] = std::minmax_element(widths.begin(), widths.end());
  if (*least >= config.psfFwhmMin && *most <= config.psfFwhmMax) return;
  warnings.push_back("the PSF is " + rangeText(*least, *most) +
                     " pixels wide (FWHM), the network was trained for " +
                     rangeText(config.psfFwhmMin, config.psfFwhmMax) + ": its fluxes may be wrong");
}

/// The width of the core says nothing of these: a plateau of short baselines can stand beside the same core.
void checkSidelobes(const Band& band, const ReconstructorConfig& config, std::vector<std::string>& warnings) {
  if (config.psfSidelobesMax <= 0) return;
  const auto [least, most] = std::minmax_element(band.psfSidelobes.begin(), band.psfSidelobes.end());
  if (!(*least < config.psfSidelobesMin) && !(*most > config.psfSidelobesMax)) return;
  warnings.push_back("the PSF has an rms of " + rangeText(*least, *most) + " at " +
                     rangeText(kSidelobesFrom * config.beamPx, kSidelobesTo * config.beamPx) +
                     " pixels from its peak, the network was trained for " +
                     rangeText(config.psfSidelobesMin, config.psfSidelobesMax) +
                     ": it may take sidelobes and noise for sources; image with the weights of its training");
}

void checkTimes(const CubeInfo& cube, const ReconstructorConfig& config, std::vector<std::string>& warnings) {
  if (cube.frames < config.trainedFrames) {
    warnings.push_back("the cube has " + std::to_string(cube.frames) +
                       " frames, the network was trained with " + std::to_string(config.trainedFrames));
  }
  double shortest = std::numeric_limits<double>::infinity(), longest = 0;
  for (size_t t = 1; t < cube.timesMjd.size(); ++t) {
    const double step = cube.timesMjd[t] - cube.timesMjd[t - 1];
    shortest = std::min(shortest, step);
    longest = std::max(longest, step);
  }
  if (longest > 1.5 * shortest)
    warnings.push_back("frames are unevenly spaced in time (1 to " + shown(longest / shortest) +
                       "); the network takes them as even");
  constexpr double kSecondsPerDay = 86400;
  const double cadence = (cube.timesMjd.back() - cube.timesMjd.front()) / (cube.frames - 1) * kSecondsPerDay;
  if (config.cadenceMaxS > 0 && !(cadence >= config.cadenceMinS && cadence <= config.cadenceMaxS))
    warnings.push_back("frames are " + shown(cadence) + " s apart, the network was trained for " +
                       rangeText(config.cadenceMinS, config.cadenceMaxS) +
                       " s: how the PSF changes between frames is another");
}

void checkNoise(const Band& band, std::vector<std::string>& warnings) {
  const auto [quiet, loud] = std::minmax_element(band.sigmas.begin(), band.sigmas.end());
  if (*loud > 2 * *quiet)
    warnings.push_back("the noise of frames differs by a factor of " + shown(*loud / *quiet) +
                       "; the network was trained with even noise");
}

void checkPeaks(const Band& band, const std::vector<ReconstructedSource>& sources,
                const ReconstructorConfig& config, std::vector<std::string>& warnings) {
  if (config.peakSnrMax <= 0) return;
  size_t bright = 0, faint = 0;
  double brightest = 0;
  for (const ReconstructedSource& it : sources) {
    const double error = it.measured.fluxError[static_cast<size_t>(it.peakFrame)];
    const double snr = it.peakFlux / error, seen = (it.peakFlux - it.measured.staticFlux) / error;
    if (!it.measured.isComponent || !std::isfinite(snr)) continue;
    brightest = std::max(brightest, seen);
    if (seen > config.peakSnrMax) ++bright;
    if (snr < config.peakSnrMin) ++faint;
  }
  if (bright > 0)
    warnings.push_back(
        std::to_string(bright) + " sources are brighter than the network was trained for (up to " +
        shown(brightest) + " times the noise of a frame, trained up to " + shown(config.peakSnrMax) +
        "): trust their forced fluxes only" +
        (band.planes.staticSky() ? "" : ", or take what is steady away first (STATIC=mean-clean)"));
  if (faint > 0)
    warnings.push_back(std::to_string(faint) +
                       " sources are fainter than the network was trained for (below " +
                       shown(config.peakSnrMin) + " times the noise of a frame)");
}

}  // namespace

std::vector<std::string> observationWarnings(const Band& band, const ReconstructorConfig& config) {
  std::vector<std::string> out;
  checkPsf(band, config, out);
  checkSidelobes(band, config, out);
  checkTimes(band.info(), config, out);
  checkNoise(band, out);
  return out;
}

std::vector<std::string> trainedRangeWarnings(const Band& band,
                                              const std::vector<ReconstructedSource>& sources,
                                              const ReconstructorConfig& config) {
  std::vector<std::string> out = observationWarnings(band, config);
  checkPeaks(band, sources, config, out);
  return out;
}

}  // namespace otf
