#include "reconstruct/light_curves.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "error/error.h"
#include "reconstruct/components.h"
#include "reconstruct/frame_noise.h"
#include "sky/gaussian.h"
#include "threads/in_threads.h"

namespace otf {
namespace {

constexpr double kShrink = 4;      // squared noise units the amplitude's prior of 1 weighs
constexpr int64_t kRmsReach = 20;  // pixels to each side
/// A monitored position this close to a component (of the beam's FWHM) is the same source: its flux is not taken away.
constexpr double kSameSource = 0.75;

struct Pixel {
  int64_t x, y;
};

Pixel nearest(const MeasuredSource& source, const CubeInfo& cube) {
  return {std::clamp<int64_t>(std::llround(source.x), 0, cube.width - 1),
          std::clamp<int64_t>(std::llround(source.y), 0, cube.height - 1)};
}

void refitAmplitudes(const CubePlanes& planes, const std::vector<double>& sigmas, int threads,
                     std::vector<MeasuredSource>& sources) {
  const CubeInfo& cube = planes.cube();
  std::vector<std::vector<double>> dirty(sources.size(),
                                         std::vector<double>(static_cast<size_t>(cube.frames)));
  inThreads(cube.frames, threads, [&](int t) {
    std::vector<float> image(static_cast<size_t>(planes.pixels()));
    planes.readDirty(t, image.data());
    for (size_t k = 0; k < sources.size(); ++k) {
      const Pixel at = nearest(sources[k], cube);
      dirty[k][static_cast<size_t>(t)] =
          static_cast<double>(image[static_cast<size_t>(at.y * cube.width + at.x)]) /
          sigmas[static_cast<size_t>(t)];
    }
  });
  for (size_t k = 0; k < sources.size(); ++k) {
    double nd = 0, nn = 0;
    for (size_t t = 0; t < dirty[k].size(); ++t) {
      if (std::isnan(dirty[k][t])) continue;
      nd += sources[k].profile[t] * dirty[k][t];
      nn += sources[k].profile[t] * sources[k].profile[t];
    }
    sources[k].amplitude = (nd + kShrink) / (nn + kShrink);
  }
}

/// One frame's model, and what it leaves.
class FrameWork {
 public:
  FrameWork(const CubePlanes& planes, const std::vector<double>& sigmas, double beamPx,
            const std::vector<MeasuredSource>& sources)
      : planes_(planes), sigmas_(sigmas), own_(sources.size()) {
    for (size_t k = 0; k < sources.size(); ++k) {
      const MeasuredSource& it = sources[k];
      if (it.isComponent) {
        own_[k].push_back(k);
        continue;
      }
      for (size_t j = 0; j < sources.size(); ++j) {
        if (sources[j].isComponent &&
            std::hypot(it.x - sources[j].x, it.y - sources[j].y) < kSameSource * beamPx)
          own_[k].push_back(j);
      }
    }
  }

  std::vector<float> run(int t, std::vector<MeasuredSource>& sources) const {
    const PlaneTransform& transform = planes_.transform();
    const auto count = static_cast<size_t>(transform.spectrumValues()) * sizeof(Complex);
    const Buffer psf(static_cast<size_t>(transform.planeValues()) * sizeof(float)), response(count),
        spectrum(count);
    const Buffer model(psf.bytes());
    auto* through = static_cast<Complex*>(response.data());
    auto* sky = static_cast<Complex*>(spectrum.data());
    planes_.psfSpectrum(t, psf.floats(), through);
    std::fill_n(model.floats(), transform.planeValues(), 0.0F);
    const double sigma = sigmas_[static_cast<size_t>(t)];
    for (const MeasuredSource& it : sources) {
      if (it.isComponent)
        PointWeights(it.x, it.y)
            .add(model.floats(), transform.height(), transform.width(), componentFlux(it, t, sigma));
    }
    transform.forward(model.floats(), sky);
    for (int64_t i = 0; i < transform.spectrumValues(); ++i) sky[i] *= through[i];
    transform.inverse(sky, model.floats());
    std::vector<float> residual(static_cast<size_t>(planes_.pixels())), modelled(residual.size());
    planes_.readDirty(t, residual.data());
    planes_.crop(model.floats(), modelled.data());
    for (size_t i = 0; i < residual.size(); ++i) residual[i] -= modelled[i];
    for (size_t k = 0; k < sources.size(); ++k) measure(k, t, psf.floats(), residual, sources);
    return residual;
  }

 private:
  static double componentFlux(const MeasuredSource& it, int t, double sigma) {
    return it.amplitude * it.profile[static_cast<size_t>(t)] * sigma;
  }

  double psfAt(const float* psf, double dx, double dy) const {
    const PlaneTransform& transform = planes_.transform();
    return PointWeights(dx, dy).sample(psf, transform.height(), transform.width(), 0, 0);
  }

  /// Of one source, writes values of this frame alone: frames are measured by several threads.
  void measure(size_t k, int t, const float* psf, const std::vector<float>& residual,
               std::vector<MeasuredSource>& sources) const {
    const CubeInfo& cube = planes_.cube();
    const double sigma = sigmas_[static_cast<size_t>(t)];
    MeasuredSource& it = sources[k];
    const Pixel at = nearest(it, cube);
    double value = static_cast<double>(residual[static_cast<size_t>(at.y * cube.width + at.x)]);
    for (const size_t j : own_[k]) {
      const MeasuredSource& own = sources[j];
      value += componentFlux(own, t, sigma) *
               psfAt(psf, static_cast<double>(at.x) - own.x, static_cast<double>(at.y) - own.y);
    }
    const double response = psfAt(psf, static_cast<double>(at.x) - it.x, static_cast<double>(at.y) - it.y);
    const auto i = static_cast<size_t>(t);
    it.flux[i] = value / response;
    it.fluxError[i] = sigma / response;
    it.fluxRec[i] = componentFlux(it, t, sigma);
    it.localRms[i] = rmsAround(at, residual);
  }

  double rmsAround(Pixel at, const std::vector<float>& image) const {
    const CubeInfo& cube = planes_.cube();
    std::vector<float> box;
    for (int64_t y = std::max<int64_t>(0, at.y - kRmsReach); y <= std::min(cube.height - 1, at.y + kRmsReach);
         ++y) {
      const int64_t from = std::max<int64_t>(0, at.x - kRmsReach),
                    to = std::min(cube.width - 1, at.x + kRmsReach);
      const auto row = image.begin() + static_cast<std::ptrdiff_t>(y * cube.width);
      box.insert(box.end(), row + from, row + to + 1);
    }
    return frameNoise(box);
  }

  const CubePlanes& planes_;
  const std::vector<double>& sigmas_;
  std::vector<std::vector<size_t>> own_;  // components whose flux is the source's
};

}  // namespace

void takeProfiles(const float* cube, const CubePlanes& planes, double beamPx,
                  std::vector<MeasuredSource>& sources) {
  const CubeInfo& info = planes.cube();
  const double sigma = beamPx / kFwhmPerSigma;
  for (MeasuredSource& it : sources) {
    const Pixel at = nearest(it, info);
    const double dx = static_cast<double>(at.x) - it.x, dy = static_cast<double>(at.y) - it.y;
    const double beam = std::exp(-0.5 * (dx * dx + dy * dy) / (sigma * sigma));
    it.profile.resize(static_cast<size_t>(info.frames));
    for (int t = 0; t < info.frames; ++t) {
      const float value = cube[t * planes.pixels() + at.y * info.width + at.x];
      it.profile[static_cast<size_t>(t)] = static_cast<double>(value) / beam;
    }
  }
}

void measureLightCurves(const CubePlanes& planes, const std::vector<double>& sigmas,
                        const MeasureOptions& options, std::vector<MeasuredSource>& sources) {
  const auto frames = static_cast<size_t>(planes.cube().frames);
  for (MeasuredSource& it : sources) {
    for (auto* values : {&it.flux, &it.fluxError, &it.localRms, &it.fluxRec})
      values->assign(frames, std::numeric_limits<double>::quiet_NaN());
  }
  refitAmplitudes(planes, sigmas, options.threads, sources);
  const FrameWork work(planes, sigmas, options.beamPx, sources);
  for (int first = 0; first < planes.cube().frames; first += options.threads) {
    if (options.cancelled && *options.cancelled) throw OtfError(Code::kCancelled, "stopped on request");
    const int count = std::min(options.threads, planes.cube().frames - first);
    std::vector<std::vector<float>> residuals(static_cast<size_t>(count));
    inThreads(count, options.threads,
              [&](int i) { residuals[static_cast<size_t>(i)] = work.run(first + i, sources); });
    for (int i = 0; i < count && options.residual; ++i)
      options.residual(first + i, residuals[static_cast<size_t>(i)].data());
  }
}

}  // namespace otf
