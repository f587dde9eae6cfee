// Sources in what the network has made of a cube: the map of the detection statistic, its peaks, and how many of them are noise.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "error/error.h"
#include "reconstruct/clean.h"
#include "reconstruct/noise_peaks.h"
#include "reconstruct/peaks.h"
#include "reconstruct/reconstruction_task.h"
#include "reconstruct/trained_ranges.h"

namespace otf {
namespace {

constexpr double kScaleSnr = 5;  // what config.rssAtThreshold stands for
/// What changes for longer is as well seen in a part of it; what is shorter is not lost in the noise of all other frames.
constexpr int kRunFrames = 8;
/// Peaks of noise that are taken for sources where those around them are measured: what is found near a bright source has its flux.
constexpr double kNoiseInModel = 1;
constexpr double kToldDivisor = 1.05;

void scaleBy(double factor, std::vector<float>& map) {
  for (float& value : map) value *= static_cast<float>(factor);
}

/// In a map that has been divided. Below where the law of its tail begins peaks are counted: sources are few among so many.
double expectedAbove(double snr, const NoisePeaks& noise, const std::vector<float>& map,
                     const CubeInfo& cube) {
  const double from = noise.from / noise.scale;
  if (!noise.isMeasured || snr >= from) return noise.above(snr);
  const auto peaks = [&](double above) {
    return static_cast<double>(peakValues(map, cube.width, cube.height, above).size());
  };
  return noise.above(from) + peaks(snr) - peaks(from);
}

std::string shown(double value) {
  char out[32];
  std::snprintf(out, sizeof out, "%.3g", value);
  return out;
}

}  // namespace

std::vector<float> ReconstructionTask::statisticMap(const Band& band) const {
  const int frames = band.info().frames;
  const int64_t pixels = band.planes.pixels();
  const std::vector<float>& reconstructed = band.reconstructed;
  std::vector<float> map(static_cast<size_t>(pixels));
  switch (request_.method) {
    case ReconstructMethod::kNetwork:
      runRootSumSquare(reconstructed.data(), frames, pixels, kRunFrames, map.data());
      scaleBy(kScaleSnr / config_.rssAtThreshold, map);
      return map;
    case ReconstructMethod::kCleanBank:
      return filterBank(reconstructed.data(), frames, pixels);
    case ReconstructMethod::kClean:
    case ReconstructMethod::kCleanSmooth: {
      std::fill(map.begin(), map.end(), -std::numeric_limits<float>::max());
      for (int64_t i = 0; i < frames * pixels; ++i)
        map[static_cast<size_t>(i % pixels)] =
            std::max(map[static_cast<size_t>(i % pixels)], reconstructed[static_cast<size_t>(i)]);
      return map;
    }
  }
  return map;
}

/// A source need not be seen in every band: that in which it is seen best decides. Of noise there is what all of them have.
std::vector<float> ReconstructionTask::detectionMap() {
  std::vector<float> map;
  for (const auto& band : bands_) {
    std::vector<float> own = statisticMap(*band);
    if (request_.method == ReconstructMethod::kNetwork) {
      const CubeInfo& info = band->info();
      const NoisePeaks noise =
          noisePeaks(own, info.width, info.height, info.width * info.height * info.frames);
      scaleBy(1 / noise.scale, own);
      result_.noisePeaks =
          result_.noisePeaks.value_or(0) + expectedAbove(request_.thresholdSnr, noise, own, info);
      modelSnr_ = std::max(modelSnr_, noise.snrOf(kNoiseInModel));
      result_.snrDivisor = std::max(result_.snrDivisor, noise.scale);
    }
    if (map.empty())
      map = std::move(own);
    else
      std::transform(map.begin(), map.end(), own.begin(), map.begin(),
                     [](float one, float two) { return std::max(one, two); });
  }
  return map;
}

std::vector<Peak> ReconstructionTask::peaksOf(const std::vector<float>& snrMap) const {
  try {
    return findPeaks(snrMap, cube().width, cube().height, request_.thresholdSnr,
                     static_cast<size_t>(request_.mostSources));
  } catch (const OtfError& error) {
    // A network takes noise for sources where its correlation is not that of the training: then this is why.
    std::string reasons;
    if (request_.method == ReconstructMethod::kNetwork) {
      for (const auto& band : bands_) {
        for (const std::string& it : observationWarnings(*band, config_)) reasons += "; " + it;
      }
    }
    throw OtfError(error.code(), error.what() + reasons);
  }
}

std::vector<MeasuredSource> ReconstructionTask::findSources(const std::vector<float>& snrMap) const {
  std::vector<MeasuredSource> out;
  for (const Peak& peak : peaksOf(snrMap)) {
    MeasuredSource it;
    it.x = peak.x;
    it.y = peak.y;
    it.statistic = peak.value;
    it.isComponent = true;
    it.isInModel = peak.value >= modelSnr_;
    out.push_back(std::move(it));
  }
  for (const MonitoredPosition& position : positions_) {
    MeasuredSource it;
    it.name = position.name;
    it.x = position.x;
    it.y = position.y;
    it.statistic = std::numeric_limits<double>::quiet_NaN();
    out.push_back(std::move(it));
  }
  return out;
}

std::vector<std::string> ReconstructionTask::noisePeakWarnings() const {
  std::vector<std::string> out;
  if (result_.snrDivisor > kToldDivisor) {
    out.push_back(
        "noise makes more peaks in this cube than in those of the training: all SNRs of the detection are "
        "divided by " +
        shown(result_.snrDivisor) + " for it");
  }
  if (const double noise = result_.noisePeaks.value_or(0); noise >= 1) {
    const auto found = std::count_if(result_.sources.begin(), result_.sources.end(),
                                     [](const ReconstructedSource& it) { return it.measured.isComponent; });
    out.push_back("of the " + std::to_string(found) + " sources above SNR " + shown(request_.thresholdSnr) +
                  " some " + shown(noise) + " are expected to be noise: a higher threshold leaves them out");
  }
  return out;
}

}  // namespace otf
