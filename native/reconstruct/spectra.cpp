#include "reconstruct/spectra.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <utility>

#include "error/error.h"
#include "reconstruct/components.h"
#include "reconstruct/static_sky.h"
#include "threads/in_threads.h"

namespace otf {
namespace {

/// Of whole lines of the cache, so that what comes next is aligned as transforms want it.
int64_t wholeLines(int64_t bytes) { return (bytes + 63) / 64 * 64; }
int64_t crossBytes(const PlaneTransform& transform) {
  return wholeLines(transform.spectrumValues() * static_cast<int64_t>(sizeof(Complex)));
}
int64_t powerBytes(const PlaneTransform& transform) {
  return wholeLines(transform.spectrumValues() * static_cast<int64_t>(sizeof(float)));
}

/// Spectra of all PSFs of all bands, where they fit, and so the frames: every one is wanted for the channels and for the light curves.
constexpr int64_t kKeptBytes = int64_t{64} << 20;

}  // namespace

CubePlanes::CubePlanes(const CubeReader& cube, const PsfReader& psf)
    : cube_(cube),
      psf_(psf),
      transform_(goodTransformLength(2 * cube.info().height), goodTransformLength(2 * cube.info().width)),
      imageTransform_(transform_.height(), transform_.width(),
                      std::min(transform_.height(), cube.info().height + PointWeights::kTaps)) {
  const int64_t frames = cube.info().frames, psfs = psfPerFrame() ? frames : 1;
  const int64_t most = kKeptBytes / std::max(1, cube.info().bands);
  if (const int64_t bytes = psfs * crossBytes(transform_); bytes <= most) {
    psfSpectra_ = Buffer(static_cast<size_t>(bytes));
    psfMade_ = std::make_unique<std::once_flag[]>(static_cast<size_t>(psfs));
  }
  if (const int64_t bytes = frames * pixels() * static_cast<int64_t>(sizeof(float)); bytes <= most) {
    dirty_ = Buffer(static_cast<size_t>(bytes));
    dirtyRead_ = std::make_unique<std::once_flag[]>(static_cast<size_t>(frames));
  }
}

void CubePlanes::readDirty(int frame, float* out) const {
  if (dirtyRead_) {
    float* const kept = dirty_.floats() + frame * pixels();
    std::call_once(dirtyRead_[static_cast<size_t>(frame)], [&] { cube_.read(frame, kept); });
    std::copy_n(kept, pixels(), out);
  } else {
    cube_.read(frame, out);
  }
  if (static_) static_->takeFrom(*this, frame, out);
}

PlaneScratch::PlaneScratch(const PlaneTransform& transform)
    : plane(static_cast<size_t>(transform.planeValues()) * sizeof(float)),
      spectrum(static_cast<size_t>(transform.spectrumValues()) * sizeof(Complex)) {}

const Complex* CubePlanes::psfSpectrum(int frame, PlaneScratch& scratch, Psf wanted) const {
  bool isRead = false;
  const auto make = [&](Complex* out) {
    readPsf(frame, scratch);
    isRead = true;
    transform_.forward(scratch.plane.floats(), out);
  };
  if (!psfMade_) {
    make(scratch.spectrumValues());
    return scratch.spectrumValues();
  }
  const int64_t which = psfPerFrame() ? frame : 0;
  auto* kept = reinterpret_cast<Complex*>(static_cast<std::byte*>(psfSpectra_.data()) +
                                          which * crossBytes(transform_));
  std::call_once(psfMade_[static_cast<size_t>(which)], make, kept);
  if (wanted == Psf::kPlaneToo && !isRead) readPsf(frame, scratch);
  return kept;
}

void CubePlanes::embed(const float* image, float* rows) const {
  const int64_t width = transform_.width();
  for (int64_t y = 0; y < cube().height; ++y) {
    float* const rest = std::copy_n(image + y * cube().width, cube().width, rows + y * width);
    std::fill(rest, rows + (y + 1) * width, 0.0F);
  }
  std::fill(rows + cube().height * width, rows + imageTransform_.rows() * width, 0.0F);
}

void CubePlanes::crop(const float* plane, float* image, float scale) const {
  for (int64_t y = 0; y < cube().height; ++y) {
    const float* const row = plane + y * transform_.width();
    std::transform(row, row + cube().width, image + y * cube().width, [=](float v) { return v * scale; });
  }
}

SpectraCache::SpectraCache(const CubePlanes& planes, const std::vector<double>& sigmas, double beamPx,
                           int frames, int threads)
    : planes_(planes),
      sigmas_(sigmas),
      beamPx_(beamPx),
      threads_(threads),
      memory_(static_cast<size_t>(frames * frameBytes(planes.transform()))),
      kept_(static_cast<size_t>(frames)) {
  auto* bytes = static_cast<std::byte*>(memory_.data());
  for (FrameSpectra& it : kept_) {
    it.cross = reinterpret_cast<Complex*>(bytes);
    bytes += crossBytes(planes.transform());
    it.power = reinterpret_cast<float*>(bytes);
    bytes += powerBytes(planes.transform());
  }
}

int64_t SpectraCache::frameBytes(const PlaneTransform& transform) {
  return crossBytes(transform) + powerBytes(transform);
}

void SpectraCache::make(int frame, PlaneScratch& scratch, FrameSpectra& out) const {
  const PlaneTransform& transform = planes_.transform();
  const auto count = transform.spectrumValues();
  std::vector<float>& image = scratch.image;
  image.resize(static_cast<size_t>(planes_.pixels()));
  planes_.readDirty(frame, image.data());
  std::replace_if(image.begin(), image.end(), [](float v) { return std::isnan(v); }, 0.0F);
  const Complex* psf = planes_.psfSpectrum(frame, scratch, CubePlanes::Psf::kPlaneToo);
  out.psfFwhm = psfFwhm(scratch.plane.floats(), transform.height(), transform.width());
  out.psfSidelobes = psfSidelobes(scratch.plane.floats(), transform.height(), transform.width(), beamPx_);
  planes_.embed(image.data(), scratch.plane.floats());
  planes_.imageTransform().forward(scratch.plane.floats(), out.cross);
  const double sigma = sigmas_[static_cast<size_t>(frame)];
  const auto weight = static_cast<float>(1 / (sigma * sigma));
  for (int64_t i = 0; i < count; ++i) {
    out.cross[i] *= std::conj(psf[i]) * weight;
    out.power[i] = std::norm(psf[i]) * weight;
  }
  out.frame = frame;
}

std::vector<const FrameSpectra*> SpectraCache::range(int first, int last,
                                                     std::vector<PlaneScratch>& scratch) {
  if (last - first >= static_cast<int>(kept_.size()))
    throw OtfError(Code::kInternal, "more spectra are wanted at once than are kept");
  // Frames are asked for in order: the earliest are not needed soon. Those that hold none come before all.
  std::sort(kept_.begin(), kept_.end(),
            [](const FrameSpectra& a, const FrameSpectra& b) { return a.frame < b.frame; });
  std::vector<const FrameSpectra*> out(static_cast<size_t>(last - first + 1));
  std::vector<FrameSpectra*> others;
  for (FrameSpectra& it : kept_) {
    if (it.frame < first || it.frame > last)
      others.push_back(&it);
    else
      out[static_cast<size_t>(it.frame - first)] = &it;
  }
  std::vector<std::pair<int, FrameSpectra*>> missing;
  for (int t = first; t <= last; ++t) {
    const FrameSpectra*& it = out[static_cast<size_t>(t - first)];
    if (it) continue;
    FrameSpectra* const place = others[missing.size()];
    place->frame = -1;  // until it is made: a reader may throw
    missing.emplace_back(t, place);
    it = place;
  }
  std::atomic<size_t> next{0};
  inThreads(std::min(scratch.size(), missing.size()), threads_, [&](size_t worker) {
    for (size_t i = next++; i < missing.size(); i = next++)
      make(missing[i].first, scratch[worker], *missing[i].second);
  });
  return out;
}

}  // namespace otf
