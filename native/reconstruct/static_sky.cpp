#include "reconstruct/static_sky.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "error/error.h"
#include "reconstruct/frame_noise.h"
#include "threads/in_threads.h"

namespace otf {
namespace {

/// In the noise of a frame.
constexpr double kStopFrameSigma = 5;
constexpr double kGain = 0.1;
/// Most components of an image: ten times those of a frame in the classical way, for bright sources take many.
constexpr double kMostPerPixel = 1920.0 / 4096;
/// The noise of a frame has the sidelobes of what is not taken away in it: less of them, less noise, and more that is above it.
constexpr int kMostRounds = 4;
constexpr double kQuieter = 0.9;

/// Sums over frames, of images and PSFs, each over its noise squared.
struct Mean {
  std::vector<float> image, weights;  // of each pixel: a blank one has no share in the mean
  Buffer psf;
  double weight = 0;
};

/// Without what is in `taken`.
Mean meanOf(const CubePlanes& planes, const StaticSky& taken, int threads,
            const std::atomic<bool>* cancelled) {
  const PlaneTransform& transform = planes.transform();
  const auto pixels = static_cast<size_t>(planes.pixels());
  Mean out{std::vector<float>(pixels), std::vector<float>(pixels),
           Buffer(static_cast<size_t>(transform.planeValues()) * sizeof(float)), 0};
  std::fill_n(out.psf.floats(), transform.planeValues(), 0.0F);
  const int frames = planes.cube().frames;
  std::vector<PlaneScratch> scratch;
  for (int i = 0; i < std::min(threads, frames); ++i) scratch.emplace_back(transform);
  std::vector<double> sigmas(scratch.size());
  for (int first = 0; first < frames; first += threads) {
    if (cancelled && *cancelled) throw OtfError(Code::kCancelled, "stopped on request");
    const int count = std::min(threads, frames - first);
    inThreads(count, threads, [&](int i) {
      PlaneScratch& own = scratch[static_cast<size_t>(i)];
      own.image.resize(pixels);
      planes.readDirty(first + i, own.image.data());
      taken.takeFrom(planes, first + i, own.image.data());
      planes.readPsf(first + i, own);
      sigmas[static_cast<size_t>(i)] = frameNoise(own.image);
    });
    // In the order of the frames, so that the number of threads does not change the sum.
    for (int i = 0; i < count; ++i) {
      const PlaneScratch& it = scratch[static_cast<size_t>(i)];
      const double sigma = sigmas[static_cast<size_t>(i)];
      if (!(sigma > 0)) continue;  // such a frame is refused when its channels are made
      const auto weight = static_cast<float>(1 / (sigma * sigma));
      out.weight += static_cast<double>(weight);
      for (size_t p = 0; p < pixels; ++p) {
        if (std::isnan(it.image[p])) continue;
        out.image[p] += weight * it.image[p];
        out.weights[p] += weight;
      }
      for (int64_t p = 0; p < transform.planeValues(); ++p)
        out.psf.floats()[p] += weight * it.plane.floats()[p];
    }
  }
  return out;
}

}  // namespace

StaticSky::StaticSky(const CubePlanes& planes, double beamPx, int threads, const std::atomic<bool>* cancelled)
    : image_(static_cast<size_t>(planes.pixels())) {
  const PlaneTransform& transform = planes.transform();
  const CubeInfo& cube = planes.cube();
  double before = std::numeric_limits<double>::infinity();
  for (int round = 0; round < kMostRounds; ++round) {
    Mean mean = meanOf(planes, *this, threads, cancelled);
    if (mean.weight <= 0) return;
    // In units of the noise of a typical frame: the harmonic mean of their variances.
    const double sigma = std::sqrt(cube.frames / mean.weight);
    if (sigma > kQuieter * before) return;
    before = sigma;
    for (size_t p = 0; p < mean.image.size(); ++p) {
      const float weight = mean.weights[p] * static_cast<float>(sigma);
      mean.image[p] = weight > 0 ? mean.image[p] / weight : 0;
    }
    const auto share = static_cast<float>(1 / mean.weight);
    for (int64_t p = 0; p < transform.planeValues(); ++p) mean.psf.floats()[p] *= share;
    const CleanOptions options{kGain, kStopFrameSigma,
                               static_cast<int64_t>(kMostPerPixel * static_cast<double>(planes.pixels())),
                               beamPx};
    std::vector<CleanComponent> more =
        findComponents(mean.image.data(), cube.height, cube.width, mean.psf.floats(), transform.height(),
                       transform.width(), options);
    if (more.empty()) return;
    for (CleanComponent& it : more) it.flux *= static_cast<float>(sigma);
    add(planes, beamPx, more);
  }
}

void StaticSky::add(const CubePlanes& planes, double beamPx, const std::vector<CleanComponent>& more) {
  std::map<std::pair<int64_t, int64_t>, float> byPixel;
  for (const auto* some : {&std::as_const(components_), &more}) {
    for (const auto& [x, y, flux] : *some) byPixel[{y, x}] += flux;
  }
  components_.clear();
  for (const auto& [at, flux] : byPixel) components_.push_back({at.second, at.first, flux});
  std::fill(image_.begin(), image_.end(), 0.0F);
  restoreComponents(components_, beamPx, image_.data(), planes.cube().height, planes.cube().width);
  const PlaneTransform& transform = planes.transform();
  const Buffer sky(static_cast<size_t>(transform.planeValues()) * sizeof(float));
  std::fill_n(sky.floats(), transform.planeValues(), 0.0F);
  for (const auto& [x, y, flux] : components_) sky.floats()[y * transform.width() + x] = flux;
  spectrum_ = Buffer(static_cast<size_t>(transform.spectrumValues()) * sizeof(Complex));
  transform.forward(sky.floats(), static_cast<Complex*>(spectrum_.data()));
}

void StaticSky::takeFrom(const CubePlanes& planes, int frame, float* image) const {
  if (components_.empty()) return;
  PlaneScratch scratch(planes.transform());
  Complex* product = scratch.spectrumValues();
  const Complex* through = planes.psfSpectrum(frame, scratch, CubePlanes::Psf::kSpectrum);
  const auto* sky = static_cast<const Complex*>(spectrum_.data());
  for (int64_t i = 0; i < planes.transform().spectrumValues(); ++i) product[i] = through[i] * sky[i];
  planes.transform().inverse(product, scratch.plane.floats());
  scratch.image.resize(static_cast<size_t>(planes.pixels()));
  planes.crop(scratch.plane.floats(), scratch.image.data());
  for (size_t p = 0; p < scratch.image.size(); ++p) image[p] -= scratch.image[p];
}

}  // namespace otf
