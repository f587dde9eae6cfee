#include "reconstruct/cube_reader.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "error/error.h"
#include "reconstruct/cube_axes.h"
#include "reconstruct/time_keys.h"

namespace otf {
namespace {

/// Pixels two images of one grid may differ by at their corners.
constexpr double kSameGridPx = 0.05;

std::string sizeText(const FitsInfo& info) {
  return std::to_string(info.width) + "x" + std::to_string(info.height);
}

void requireSameGrid(const FitsInfo& first, const std::optional<Wcs>& wcs, const FitsInfo& other) {
  const auto refuse = [&](const std::string& what) {
    throw OtfError(Code::kCubeInvalid, other.label + " is not on the grid of " + first.label + ": " + what);
  };
  if (other.width != first.width || other.height != first.height)
    refuse(sizeText(other) + " pixels, not " + sizeText(first));
  if (other.bunit != first.bunit) refuse("its unit is " + other.bunit + ", not " + first.bunit);
  std::vector<std::string> ignored;  // those of the first image are told
  const std::optional<Wcs> own = Wcs::fromCards(other.cards, other.axes, ignored);
  if (wcs.has_value() != own.has_value()) refuse("only one of them has celestial coordinates");
  if (!wcs) return;
  const auto w = static_cast<double>(first.width - 1), h = static_cast<double>(first.height - 1);
  for (const auto& [x, y] : {std::pair{0.0, 0.0}, {w, 0.0}, {0.0, h}, {w, h}}) {
    const auto sky = own->pixelToSky(x, y);
    const auto back = sky ? wcs->skyToPixel(*sky) : std::nullopt;
    if (!back || std::hypot(back->first - x, back->second - y) > kSameGridPx)
      refuse("its corners are elsewhere on the sky");
  }
}

/// What lies beyond is no date of an observation: a reference that was counted twice, or seconds taken for days.
constexpr double kLastMjd = 88069;   // 2100
constexpr double kFirstMjd = 15020;  // 1900: before there was anything to observe with

void checkTimes(CubeInfo& info, const std::vector<CubeFile>& files) {
  const auto frame = [&](size_t t) {
    return files.size() > 1 ? files[t].label : info.label + ", frame " + std::to_string(t + 1);
  };
  for (size_t t = 0; t < info.timesMjd.size(); ++t) {
    if (!(info.timesMjd[t] < kLastMjd)) {
      throw OtfError(Code::kCubeInvalid, frame(t) + ": its time is MJD " + std::to_string(info.timesMjd[t]) +
                                             ", which is no date: look at the unit and at MJDREF");
    }
    if (t > 0 && !(info.timesMjd[t] > info.timesMjd[t - 1]))
      throw OtfError(Code::kCubeInvalid, frame(t) + ": its time is not after that of the frame before");
  }
  if (info.timesMjd.front() < kFirstMjd) {
    info.warnings.push_back("times count from MJD 0: nothing (MJDREF, JDREF, DATEREF) says when " +
                            info.label + " was observed");
  }
}

}  // namespace

CubeReader CubeReader::open(const std::vector<CubeFile>& files, int band,
                            const std::optional<CubeFile>& times) {
  if (files.empty()) throw OtfError(Code::kInvalidArgument, "no cube was given");
  CubeReader out;
  out.files_ = files;
  CubeInfo& info = out.info_;
  const FitsImage first = FitsImage::open(files[0].path, {std::nullopt, 0, files[0].label});
  const FitsInfo& head = first.info();
  info.label = head.label;
  info.width = head.width;
  info.height = head.height;
  info.bunit = head.bunit;
  info.cards = head.cards;
  info.warnings = head.warnings;
  std::copy_n(head.axes, 2, info.axes);
  out.wcs_ = Wcs::fromCards(head.cards, head.axes, info.warnings);
  if (out.wcs_) {
    const auto middle =
        out.wcs_->jacobian(static_cast<double>(head.width) / 2, static_cast<double>(head.height) / 2);
    if (middle) info.pixelScaleDeg = middle->pixelScaleDeg();
  }
  std::optional<FrameTimes> told;
  if (times) told = readFrameTimes(*times, head.cards);
  if (files.size() == 1) {
    out.takeCube(head, band, std::move(told));
  } else {
    out.takeEpochs(head, told);
  }
  info.frames = static_cast<int>(info.timesMjd.size());
  checkTimes(info, files);
  return out;
}

void CubeReader::takeCube(const FitsInfo& head, int band, std::optional<FrameTimes> times) {
  if (!times) times = timesInCube(files_[0], head.cards);
  std::optional<int64_t> rows;
  if (times) rows = static_cast<int64_t>(times->timesMjd.size());
  CubeAxes axes = readCubeAxes(head, band, rows);
  planes_ = std::move(axes.planes);
  info_.timesMjd = std::move(axes.timesMjd);
  info_.timeScale = axes.timeScale;
  info_.frequencyHz = axes.frequencyHz;
  info_.warnings.insert(info_.warnings.end(), axes.warnings.begin(), axes.warnings.end());
  info_.band = band;
  info_.bands = axes.bands;
  info_.exposuresS.assign(planes_.size(), axes.exposureS);
  if (times) takeTimes(*times);
}

void CubeReader::takeEpochs(const FitsInfo& head, const std::optional<FrameTimes>& times) {
  size_t starts = 0;
  for (const CubeFile& file : files_) {
    const FitsImage image = FitsImage::open(file.path, {std::nullopt, 0, file.label});
    if (image.info().planes != 1)
      throw OtfError(Code::kCubeInvalid, image.info().label + " has several planes: a frame is one image");
    requireSameGrid(head, wcs_, image.info());
    planes_.push_back(0);
    if (times) continue;
    Epoch epoch = readEpoch(image.info());
    if (info_.timeScale.empty()) info_.timeScale = epoch.timeScale;
    if (epoch.timeScale != info_.timeScale) {
      throw OtfError(Code::kCubeInvalid, image.info().label + ": its time scale is " + epoch.timeScale +
                                             ", that of " + head.label + " is " + info_.timeScale);
    }
    info_.timesMjd.push_back(epoch.mjd);
    info_.exposuresS.push_back(epoch.exposureS);
    if (epoch.isStart) ++starts;
  }
  info_.frequencyHz = frequencyOf(head, info_.warnings);
  if (times) takeTimes(*times);
  if (starts > 0) {
    info_.warnings.push_back(
        std::to_string(starts) +
        " images tell when they begin (DATE-OBS) and not how long they are: times are their beginnings");
  }
}

void CubeReader::takeTimes(const FrameTimes& times) {
  if (times.timesMjd.size() != planes_.size()) {
    throw OtfError(Code::kCubeInvalid, times.label + " has " + std::to_string(times.timesMjd.size()) +
                                           " rows, there are " + std::to_string(planes_.size()) + " frames");
  }
  info_.timesMjd = times.timesMjd;
  info_.timeScale = times.timeScale;
  const bool hasExposures = std::any_of(times.exposuresS.begin(), times.exposuresS.end(),
                                        [](double seconds) { return std::isfinite(seconds); });
  if (hasExposures || info_.exposuresS.empty()) info_.exposuresS = times.exposuresS;
}

void CubeReader::read(int frame, float* out) const {
  const CubeFile& file = files_[files_.size() == 1 ? 0 : static_cast<size_t>(frame)];
  FitsImage image =
      FitsImage::open(file.path, {std::nullopt, planes_[static_cast<size_t>(frame)], file.label});
  image.readWindow(0, 0, info_.width, info_.height, out, info_.width);
}

}  // namespace otf
