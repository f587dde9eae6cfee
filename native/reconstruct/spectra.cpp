#include "reconstruct/spectra.h"

#include <algorithm>
#include <cmath>

#include "reconstruct/static_sky.h"
#include "threads/in_threads.h"

namespace otf {

CubePlanes::CubePlanes(const CubeReader& cube, const PsfReader& psf)
    : cube_(cube),
      psf_(psf),
      transform_(goodTransformLength(2 * cube.info().height), goodTransformLength(2 * cube.info().width)) {}

void CubePlanes::readDirty(int frame, float* out) const {
  cube_.read(frame, out);
  if (static_) static_->takeFrom(*this, frame, out);
}

PlaneScratch::PlaneScratch(const PlaneTransform& transform)
    : plane(static_cast<size_t>(transform.planeValues()) * sizeof(float)),
      spectrum(static_cast<size_t>(transform.spectrumValues()) * sizeof(Complex)) {}

void CubePlanes::psfSpectrum(int frame, PlaneScratch& scratch, Complex* out) const {
  readPsf(frame, scratch);
  transform_.forward(scratch.plane.floats(), out);
}

void CubePlanes::embed(const float* image, float* plane) const {
  std::fill_n(plane, transform_.planeValues(), 0.0F);
  for (int64_t y = 0; y < cube().height; ++y)
    std::copy_n(image + y * cube().width, cube().width, plane + y * transform_.width());
}

void CubePlanes::crop(const float* plane, float* image) const {
  for (int64_t y = 0; y < cube().height; ++y)
    std::copy_n(plane + y * transform_.width(), cube().width, image + y * cube().width);
}

SpectraCache::SpectraCache(const CubePlanes& planes, const std::vector<double>& sigmas, int frames,
                           int threads)
    : planes_(planes), sigmas_(sigmas), frames_(frames), threads_(threads) {}

int64_t SpectraCache::frameBytes(const PlaneTransform& transform) {
  return transform.spectrumValues() * static_cast<int64_t>(sizeof(Complex) + sizeof(float));
}

FrameSpectra SpectraCache::make(int frame, PlaneScratch& scratch) const {
  const PlaneTransform& transform = planes_.transform();
  const auto count = transform.spectrumValues();
  std::vector<float>& image = scratch.image;
  image.resize(static_cast<size_t>(planes_.pixels()));
  planes_.readDirty(frame, image.data());
  std::replace_if(image.begin(), image.end(), [](float v) { return std::isnan(v); }, 0.0F);
  FrameSpectra out{Buffer(static_cast<size_t>(count) * sizeof(Complex)),
                   Buffer(static_cast<size_t>(count) * sizeof(float))};
  const Complex* psf = scratch.spectrumValues();
  auto* cross = static_cast<Complex*>(out.cross.data());
  planes_.psfSpectrum(frame, scratch, scratch.spectrumValues());
  out.psfFwhm = psfFwhm(scratch.plane.floats(), transform.height(), transform.width());
  planes_.embed(image.data(), scratch.plane.floats());
  transform.forward(scratch.plane.floats(), cross);
  const double sigma = sigmas_[static_cast<size_t>(frame)];
  const auto weight = static_cast<float>(1 / (sigma * sigma));
  float* power = out.power.floats();
  for (int64_t i = 0; i < count; ++i) {
    cross[i] *= std::conj(psf[i]) * weight;
    power[i] = std::norm(psf[i]) * weight;
  }
  return out;
}

void SpectraCache::forgetBefore(int first, int last) {
  // Frames are asked for in order: what lies before is not needed soon.
  for (auto it = kept_.begin();
       it != kept_.end() && static_cast<int>(kept_.size()) + (last - first + 1) > frames_;) {
    if (it->first >= first && it->first <= last) {
      ++it;
    } else {
      it = kept_.erase(it);
    }
  }
}

std::vector<const FrameSpectra*> SpectraCache::range(int first, int last,
                                                     std::vector<PlaneScratch>& scratch) {
  if (!kept_.contains(first) || !kept_.contains(last)) forgetBefore(first, last);
  std::vector<int> missing;
  for (int t = first; t <= last; ++t) {
    if (!kept_.contains(t)) missing.push_back(t);
  }
  std::vector<FrameSpectra> made(missing.size());
  for (size_t done = 0; done < missing.size(); done += scratch.size()) {
    inThreads(std::min(scratch.size(), missing.size() - done), threads_,
              [&](size_t i) { made[done + i] = make(missing[done + i], scratch[i]); });
  }
  for (size_t i = 0; i < missing.size(); ++i) kept_.emplace(missing[i], std::move(made[i]));
  std::vector<const FrameSpectra*> out;
  for (int t = first; t <= last; ++t) out.push_back(&kept_.at(t));
  return out;
}

}  // namespace otf
