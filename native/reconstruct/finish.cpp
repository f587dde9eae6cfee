// The end of a reconstruction: sources, light curves, images.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <limits>
#include <optional>

#include "error/error.h"
#include "fits/fits.h"
#include "reconstruct/clean.h"
#include "reconstruct/output_header.h"
#include "reconstruct/peaks.h"
#include "reconstruct/reconstruction_task.h"
#include "threads/in_threads.h"
#include "timing/stopwatch.h"

namespace otf {
namespace {

constexpr double kScaleSnr = 5;  // what config.rssAtThreshold stands for
constexpr double kSmoothFrames = 1.5;
constexpr double kCleanPerPixel = 192.0 / 4096;  // most components of a frame

}  // namespace

void ReconstructionTask::resolvePositions() {
  for (const ReconstructRequest::Position& it : request_.positions) {
    MonitoredPosition at{it.name, it.first, it.second};
    if (it.isSky) {
      if (!cube_.wcs())
        throw OtfError(Code::kCubeInvalid,
                       cube_.info().label + " has no celestial coordinates: give positions in pixels");
      const auto pixel = cube_.wcs()->skyToPixel({it.first, it.second});
      at.x = pixel ? pixel->first : std::numeric_limits<double>::quiet_NaN();
      at.y = pixel ? pixel->second : at.x;
    }
    const double w = static_cast<double>(cube_.info().width), h = static_cast<double>(cube_.info().height);
    if (!(at.x > -0.5 && at.x < w - 0.5 && at.y > -0.5 && at.y < h - 0.5)) {
      result_.warnings.push_back("position " + it.name + " is not on the cube: it is not measured");
      continue;
    }
    positions_.push_back(at);
  }
}

void ReconstructionTask::checkTrainedRanges() {
  std::vector<std::string>& warnings = result_.warnings;
  const auto text = [](double value) {
    char out[32];
    std::snprintf(out, sizeof out, "%.3g", value);
    return std::string(out);
  };
  std::vector<double> widths;
  std::copy_if(result_.psfFwhmPx.begin(), result_.psfFwhmPx.end(), std::back_inserter(widths),
               [](double w) { return std::isfinite(w); });
  if (widths.size() < result_.psfFwhmPx.size())
    warnings.push_back("the core of the PSF is no peak in " +
                       std::to_string(result_.psfFwhmPx.size() - widths.size()) + " frames");
  if (config_.psfFwhmMax > 0 && !widths.empty()) {
    const auto [least, most] = std::minmax_element(widths.begin(), widths.end());
    if (*least < config_.psfFwhmMin || *most > config_.psfFwhmMax) {
      warnings.push_back("the PSF is " + text(*least) + " to " + text(*most) +
                         " pixels wide (FWHM), the network was trained for " + text(config_.psfFwhmMin) +
                         " to " + text(config_.psfFwhmMax) + ": its fluxes may be wrong");
    }
  }
  const CubeInfo& cube = cube_.info();
  if (cube.frames < config_.trainedFrames) {
    warnings.push_back("the cube has " + std::to_string(cube.frames) +
                       " frames, the network was trained with " + std::to_string(config_.trainedFrames));
  }
  double shortest = std::numeric_limits<double>::infinity(), longest = 0;
  for (size_t t = 1; t < cube.timesMjd.size(); ++t) {
    const double step = cube.timesMjd[t] - cube.timesMjd[t - 1];
    shortest = std::min(shortest, step);
    longest = std::max(longest, step);
  }
  if (longest > 1.5 * shortest)
    warnings.push_back("frames are unevenly spaced in time (1 to " + text(longest / shortest) +
                       "); the network takes them as even");
  const auto [quiet, loud] = std::minmax_element(result_.sigmas.begin(), result_.sigmas.end());
  if (*loud > 2 * *quiet)
    warnings.push_back("the noise of frames differs by a factor of " + text(*loud / *quiet) +
                       "; the network was trained with even noise");
}

std::vector<float> ReconstructionTask::statisticMap() const {
  const int frames = cube_.info().frames;
  const int64_t pixels = planes_.pixels();
  std::vector<float> map(static_cast<size_t>(pixels));
  switch (request_.method) {
    case ReconstructMethod::kNetwork: {
      rootSumSquare(reconstructed_.data(), frames, pixels, map.data());
      const auto scale = static_cast<float>(kScaleSnr / config_.rssAtThreshold);
      for (float& value : map) value *= scale;
      return map;
    }
    case ReconstructMethod::kCleanBank:
      return filterBank(reconstructed_.data(), frames, pixels);
    case ReconstructMethod::kClean:
    case ReconstructMethod::kCleanSmooth: {
      std::fill(map.begin(), map.end(), -std::numeric_limits<float>::max());
      for (int64_t i = 0; i < frames * pixels; ++i)
        map[static_cast<size_t>(i % pixels)] =
            std::max(map[static_cast<size_t>(i % pixels)], reconstructed_[static_cast<size_t>(i)]);
      return map;
    }
  }
  return map;
}

std::vector<MeasuredSource> ReconstructionTask::findSources(const std::vector<float>& snrMap) const {
  std::vector<MeasuredSource> out;
  const CubeInfo& cube = cube_.info();
  for (const Peak& peak : findPeaks(snrMap, cube.width, cube.height, request_.thresholdSnr, kMostSources)) {
    MeasuredSource it;
    it.x = peak.x;
    it.y = peak.y;
    it.statistic = peak.value;
    it.isComponent = true;
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

void ReconstructionTask::writeImages(const std::vector<float>& snrMap, std::vector<MeasuredSource>& sources,
                                     int threads) {
  const CubeInfo& cube = cube_.info();
  std::optional<FitsImageWriter> residual;
  const auto path = [&](const char* name) {
    return (std::filesystem::path(request_.folder) / name).string();
  };
  const bool write = !request_.folder.empty();
  if (write)
    residual.emplace(path("residual.fits"), cube.width, cube.height, cubeKeys(cube, 0),
                     std::vector<int64_t>{cube.frames});
  MeasureOptions options{config_.beamPx, threads, cancelFlag(), {}};
  if (write) options.residual = [&](int, const float* image) { residual->writeRows(image, cube.height); };
  measureLightCurves(planes_, result_.sigmas, options, sources);
  if (!write) return;
  residual->finish();
  FitsImageWriter image(path("reconstructed.fits"), cube.width, cube.height, cubeKeys(cube, config_.beamPx),
                        {cube.frames});
  std::vector<float> frame(static_cast<size_t>(planes_.pixels()));
  for (int t = 0; t < cube.frames; ++t) {
    const auto sigma = static_cast<float>(result_.sigmas[static_cast<size_t>(t)]);
    const auto from = reconstructed_.begin() + static_cast<std::ptrdiff_t>(t * planes_.pixels());
    std::transform(from, from + static_cast<std::ptrdiff_t>(frame.size()), frame.begin(),
                   [&](float v) { return v * sigma; });
    image.writeRows(frame.data(), cube.height);
  }
  image.finish();
  writeFitsImage(path("snr_max.fits"), cube.width, cube.height, mapKeys(cube), snrMap.data());
  result_.files = {"reconstructed.fits", "residual.fits", "snr_max.fits"};
}

void ReconstructionTask::runClassical() {
  const Stopwatch watch;
  prepareWindow(0);
  result_.seconds.channels = 0;
  const CubeInfo& cube = cube_.info();
  const PlaneTransform& transform = planes_.transform();
  const CleanOptions options{
      0.1, 3, static_cast<int64_t>(kCleanPerPixel * static_cast<double>(planes_.pixels())), config_.beamPx};
  inThreads(cube.frames, threads_, [&](int t) {
    if (isCancelled()) throw OtfError(Code::kCancelled, "stopped on request");
    float* frame = reconstructed_.data() + t * planes_.pixels();
    const auto scale = static_cast<float>(1 / channels_->sigmas()[static_cast<size_t>(t)]);
    planes_.readDirty(t, frame);
    for (int64_t p = 0; p < planes_.pixels(); ++p) frame[p] = std::isnan(frame[p]) ? 0 : frame[p] * scale;
    const Buffer psf(static_cast<size_t>(transform.planeValues()) * sizeof(float));
    planes_.readPsf(t, psf.floats());
    cleanFrame(frame, cube.height, cube.width, psf.floats(), transform.height(), transform.width(), options);
  });
  if (request_.method == ReconstructMethod::kCleanSmooth)
    smoothInTime(reconstructed_.data(), cube.frames, planes_.pixels(), kSmoothFrames, threads_);
  consumed_ = items();
  result_.seconds.channels = watch.seconds();
}

void ReconstructionTask::finish(int threads) {
  if (consumed_ != items())
    throw OtfError(Code::kInternal, "a reconstruction was finished before all of it was there");
  window_ = {};
  result_.sigmas = channels_->sigmas();
  result_.psfFwhmPx = channels_->psfFwhms();
  result_.blankPixels = channels_->blankPixels();
  channels_.reset();
  result_.thresholdSnr = request_.thresholdSnr;
  result_.warnings.insert(result_.warnings.end(), cube_.info().warnings.begin(), cube_.info().warnings.end());
  result_.warnings.insert(result_.warnings.end(), psf_.info().warnings.begin(), psf_.info().warnings.end());
  if (result_.blankPixels > 0)
    result_.warnings.push_back(std::to_string(result_.blankPixels) +
                               " blank pixels of the cube are taken as 0 where images are made of it");
  if (request_.method == ReconstructMethod::kNetwork) checkTrainedRanges();

  const Stopwatch detecting;
  const std::vector<float> snrMap = statisticMap();
  std::vector<MeasuredSource> found = findSources(snrMap);
  result_.seconds.detect = detecting.seconds();
  const Stopwatch measuring;
  takeProfiles(reconstructed_.data(), planes_, config_.beamPx, found);
  writeImages(snrMap, found, threads);
  for (MeasuredSource& it : found) {
    ReconstructedSource row = catalogueRow(std::move(it), config_);
    const auto sky = cube_.wcs() ? cube_.wcs()->pixelToSky(row.measured.x, row.measured.y) : std::nullopt;
    row.raDeg = sky ? sky->raDeg : std::numeric_limits<double>::quiet_NaN();
    row.decDeg = sky ? sky->decDeg : row.raDeg;
    result_.sources.push_back(std::move(row));
  }
  findNeighbours(result_.sources);
  result_.seconds.measure = measuring.seconds();
}

}  // namespace otf
