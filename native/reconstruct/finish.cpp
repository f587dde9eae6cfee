// The end of a reconstruction: sources, light curves, images.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "error/error.h"
#include "reconstruct/clean.h"
#include "reconstruct/cube_images.h"
#include "reconstruct/flags.h"
#include "reconstruct/reconstruction_task.h"
#include "reconstruct/trained_ranges.h"
#include "threads/in_threads.h"
#include "timing/stopwatch.h"

namespace otf {
namespace {

constexpr double kSmoothFrames = 1.5;
constexpr double kCleanPerPixel = 192.0 / 4096;  // most components of a frame

}  // namespace

void ReconstructionTask::resolvePositions() {
  for (const ReconstructRequest::Position& it : request_.positions) {
    MonitoredPosition at{it.name, it.first, it.second};
    if (it.isSky) {
      if (!wcs())
        throw OtfError(Code::kCubeInvalid,
                       cube().label + " has no celestial coordinates: give positions in pixels");
      const auto pixel = wcs()->skyToPixel({it.first, it.second});
      at.x = pixel ? pixel->first : std::numeric_limits<double>::quiet_NaN();
      at.y = pixel ? pixel->second : at.x;
    }
    const double w = static_cast<double>(cube().width), h = static_cast<double>(cube().height);
    if (!(at.x > -0.5 && at.x < w - 0.5 && at.y > -0.5 && at.y < h - 0.5)) {
      result_.warnings.push_back("position " + it.name + " is not on the cube: it is not measured");
      continue;
    }
    positions_.push_back(at);
  }
}

void ReconstructionTask::measureBands(const std::vector<MeasuredSource>& found,
                                      const std::vector<float>& snrMap, int threads) {
  if (request_.folder.empty()) return measureBands(found, nullptr, threads);
  CubeImages images(request_.folder, bands_, config_.beamPx);
  // What is written beside the light curves mostly waits for the disk.
  inThreads(2, threads, [&](int part) {
    if (part == 0) return measureBands(found, &images, threads);
    images.writeReconstructed(snrMap, cancelFlag());
  });
  result_.files = images.finish();
}

void ReconstructionTask::measureBands(const std::vector<MeasuredSource>& found, CubeImages* images,
                                      int threads) {
  for (size_t b = 0; b < bands_.size(); ++b) {
    const Band& band = *bands_[b];
    std::vector<MeasuredSource> sources = found;
    takeProfiles(band.reconstructed.data(), band.planes, band.sigmas, config_.beamPx, sources);
    MeasureOptions options{config_.beamPx, threads, cancelFlag(), {}};
    if (images) options.residual = [&](int, const float* image) { images->writeResidual(image); };
    measureLightCurves(band.planes, band.sigmas, options, sources);
    if (band.truth) takeTruth(*band.truth, config_.beamPx, sources);
    // The card tells the error of its network's reconstructions; those of other methods have the noise of the frame.
    const double recError = request_.method == ReconstructMethod::kNetwork ? config_.fluxRecError : 1;
    const RowScales scales{config_.beamPx, recError, frameSeconds(band.info().timesMjd)};
    std::vector<ReconstructedSource>& rows = result_.bands.emplace_back();
    for (MeasuredSource& it : sources) {
      ReconstructedSource row = catalogueRow(std::move(it), scales);
      const auto sky = wcs() ? wcs()->pixelToSky(row.measured.x, row.measured.y) : std::nullopt;
      row.raDeg = sky ? sky->raDeg : std::numeric_limits<double>::quiet_NaN();
      row.decDeg = sky ? sky->decDeg : row.raDeg;
      row.band = band.info().band;
      rows.push_back(std::move(row));
    }
    findNeighbours(rows);
    flagSources(band.info(), band.sigmas, config_, request_.method, rows);
  }
}

void ReconstructionTask::chooseBands() {
  const auto snrOf = [](const ReconstructedSource& row) {
    return std::isfinite(row.snr) ? row.snr : -std::numeric_limits<double>::infinity();
  };
  for (size_t k = 0; k < result_.bands.front().size(); ++k) {
    size_t best = 0;
    for (size_t b = 1; b < result_.bands.size(); ++b) {
      if (snrOf(result_.bands[b][k]) > snrOf(result_.bands[best][k])) best = b;
    }
    result_.sources.push_back(result_.bands[best][k]);
  }
}

void ReconstructionTask::runClassical() {
  const Stopwatch watch;
  const CleanOptions options{
      0.1, 3, static_cast<int64_t>(kCleanPerPixel * static_cast<double>(first().planes.pixels())),
      config_.beamPx};
  for (const auto& each : bands_) {
    Band& band = *each;
    band.begin(config_, request_.staticPart, threads_, cancelFlag());
    band.channels.reset();
    const CubeInfo& info = band.info();
    const CubePlanes& planes = band.planes;
    const PlaneTransform& transform = planes.transform();
    inThreads(info.frames, threads_, [&](int t) {
      if (isCancelled()) throw OtfError(Code::kCancelled, "stopped on request");
      float* frame = band.reconstructed.data() + t * planes.pixels();
      const auto scale = static_cast<float>(1 / band.sigmas[static_cast<size_t>(t)]);
      planes.readDirty(t, frame);
      for (int64_t p = 0; p < planes.pixels(); ++p) frame[p] = std::isnan(frame[p]) ? 0 : frame[p] * scale;
      PlaneScratch scratch(transform);
      planes.readPsf(t, scratch);
      cleanFrame(frame, info.height, info.width, scratch.plane.floats(), transform.height(),
                 transform.width(), options);
    });
    if (request_.method == ReconstructMethod::kCleanSmooth)
      smoothInTime(band.reconstructed.data(), info.frames, planes.pixels(), kSmoothFrames, threads_);
  }
  consumed_ = items();
  result_.seconds.channels = watch.seconds();
}

void ReconstructionTask::gatherWarnings() {
  std::vector<std::string>& warnings = result_.warnings;
  const auto add = [&](const std::vector<std::string>& more) {
    for (const std::string& it : more) {
      // Bands of one file say the same of it.
      if (std::find(warnings.begin(), warnings.end(), it) == warnings.end()) warnings.push_back(it);
    }
  };
  int64_t blank = 0;
  for (const auto& band : bands_) {
    add(band->info().warnings);
    add(band->psf.info().warnings);
    blank += band->blankPixels;
  }
  if (bands_.size() > 1 && psf().bands == 1)
    add({"the PSF " + psf().label + " has no bands: the same is used in all " +
         std::to_string(bands_.size())});
  if (blank > 0)
    add({std::to_string(blank) + " blank pixels of the cube are taken as 0 where images are made of it"});
  if (request_.method != ReconstructMethod::kNetwork) return;
  for (size_t b = 0; b < bands_.size(); ++b) add(trainedRangeWarnings(*bands_[b], result_.bands[b], config_));
  add(noisePeakWarnings());
}

void ReconstructionTask::finish(int threads) {
  if (consumed_ != items())
    throw OtfError(Code::kInternal, "a reconstruction was finished before all of it was there");
  window_ = {};
  for (const auto& band : bands_) {
    band->channels.reset();
    band->restoreStatic();
  }
  result_.thresholdSnr = request_.thresholdSnr;

  const Stopwatch detecting;
  const std::vector<float> snrMap = detectionMap();
  const std::vector<MeasuredSource> found = findSources(snrMap);
  result_.seconds.detect = detecting.seconds();
  const Stopwatch measuring;
  measureBands(found, snrMap, threads);
  chooseBands();
  result_.seconds.measure = measuring.seconds();
  gatherWarnings();
}

}  // namespace otf
