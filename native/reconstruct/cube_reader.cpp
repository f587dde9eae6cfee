#include "reconstruct/cube_reader.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "error/error.h"
#include "fits/header_values.h"
#include "reconstruct/cube_axes.h"

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

void requireOrder(const CubeInfo& info, const std::vector<CubeFile>& files) {
  for (size_t t = 1; t < info.timesMjd.size(); ++t) {
    if (info.timesMjd[t] > info.timesMjd[t - 1]) continue;
    const std::string which =
        files.size() > 1 ? files[t].label : info.label + ", frame " + std::to_string(t + 1);
    throw OtfError(Code::kCubeInvalid, which + ": its time is not after that of the frame before");
  }
}

}  // namespace

CubeReader CubeReader::open(const std::vector<CubeFile>& files, int band) {
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
  if (files.size() == 1) {
    CubeAxes axes = readCubeAxes(head, band);
    info.timesMjd = std::move(axes.timesMjd);
    info.timeScale = axes.timeScale;
    info.frequencyHz = axes.frequencyHz;
    info.band = band;
    info.bands = axes.bands;
    info.exposuresS.assign(info.timesMjd.size(), axes.exposureS);
    out.planes_ = std::move(axes.planes);
  } else {
    for (const CubeFile& file : files) {
      const FitsImage image = FitsImage::open(file.path, {std::nullopt, 0, file.label});
      if (image.info().planes != 1)
        throw OtfError(Code::kCubeInvalid, image.info().label + " has several planes: a frame is one image");
      requireSameGrid(head, out.wcs_, image.info());
      double exposure = 0;
      info.timesMjd.push_back(readEpoch(image.info(), &exposure, &info.timeScale));
      info.exposuresS.push_back(exposure);
      out.planes_.push_back(0);
    }
    info.frequencyHz = fits::numberOf(fits::findValue(head.cards, "RESTFRQ")).value_or(0);
  }
  info.frames = static_cast<int>(info.timesMjd.size());
  requireOrder(info, files);
  return out;
}

void CubeReader::read(int frame, float* out) const {
  const CubeFile& file = files_[files_.size() == 1 ? 0 : static_cast<size_t>(frame)];
  FitsImage image =
      FitsImage::open(file.path, {std::nullopt, planes_[static_cast<size_t>(frame)], file.label});
  image.readWindow(0, 0, info_.width, info_.height, out, info_.width);
}

}  // namespace otf
