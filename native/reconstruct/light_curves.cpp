#include "reconstruct/light_curves.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "error/error.h"
#include "reconstruct/components.h"
#include "reconstruct/frame_noise.h"
#include "reconstruct/static_shares.h"
#include "sky/gaussian.h"
#include "threads/in_order.h"

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

double gaussian(double dx, double dy, double beamPx) {
  const double sigma = beamPx / kFwhmPerSigma;
  return std::exp(-0.5 * (dx * dx + dy * dy) / (sigma * sigma));
}

/// Of the Gaussian around a source, at its pixel.
double beamAt(const MeasuredSource& source, Pixel at, double beamPx) {
  return gaussian(static_cast<double>(at.x) - source.x, static_cast<double>(at.y) - source.y, beamPx);
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

/// What the reconstruction would have of them, were it not for the taking away.
void takeStaticFluxes(const CubePlanes& planes, double beamPx, std::vector<MeasuredSource>& sources) {
  if (!planes.staticSky()) return;
  const auto shares = staticShares(*planes.staticSky(), beamPx, kSameSource * beamPx, sources);
  for (size_t k = 0; k < sources.size(); ++k) {
    const Pixel at = nearest(sources[k], planes.cube());
    double sum = 0;
    for (const CleanComponent& it : shares[k])
      sum += static_cast<double>(it.flux) *
             gaussian(static_cast<double>(at.x - it.x), static_cast<double>(at.y - it.y), beamPx);
    sources[k].staticFlux = sum / beamAt(sources[k], at, beamPx);
  }
}

/// Rows that the model of the sky lies lower in its plane, so that what is drawn of a source above the image is there, too.
constexpr int64_t kModelRow = PointWeights::kTaps / 2;

/// Side of the part of a PSF that sources are measured with: as far from its peak as a source's own components are from it.
int64_t coreSide(double beamPx) {
  return 2 * (std::llround(std::ceil((1 + kSameSource) * beamPx)) + PointWeights::kTaps);
}

/// What the work on one frame needs, kept from frame to frame.
struct FrameScratch {
  FrameScratch(const CubePlanes& planes, int64_t coreSide)
      : psf(planes.transform()),
        sky(planes.transform()),
        core(static_cast<size_t>(coreSide * coreSide)),
        residual(static_cast<size_t>(planes.pixels())) {}
  PlaneScratch psf, sky;
  std::vector<float> core;  // of the PSF
  std::vector<float> residual;
};

/// One frame's model, and what it leaves.
class FrameWork {
 public:
  FrameWork(const CubePlanes& planes, const std::vector<double>& sigmas, double beamPx,
            const std::vector<MeasuredSource>& sources)
      : planes_(planes), sigmas_(sigmas), coreSide_(coreSide(beamPx)), shares_(sources.size()) {
    if (planes.staticSky())
      shares_ = staticShares(*planes.staticSky(), beamPx, kSameSource * beamPx, sources);
    for (size_t k = 0; k < sources.size(); ++k) {
      const MeasuredSource& it = sources[k];
      Seen& seen = seen_.emplace_back(it, nearest(it, planes.cube()));
      if (it.isComponent && !it.isInModel) continue;  // its flux stays where it is
      if (it.isComponent) {
        components_.push_back({k, PointWeights(it.x, it.y + static_cast<double>(kModelRow))});
        seen.own.push_back({k, seen.weights});
        continue;
      }
      for (size_t j = 0; j < sources.size(); ++j) {
        if (sources[j].isComponent && sources[j].isInModel &&
            std::hypot(it.x - sources[j].x, it.y - sources[j].y) < kSameSource * beamPx)
          seen.own.push_back({j, weightsFrom(sources[j], seen.at)});
      }
    }
  }

  /// Leaves the frame's residual in `scratch`.
  void run(int t, FrameScratch& scratch, std::vector<MeasuredSource>& sources) const {
    const RowsTransform& transform = planes_.imageTransform();
    Complex* sky = scratch.sky.spectrumValues();
    float* model = scratch.sky.plane.floats();
    const Complex* through = planes_.psfSpectrum(t, scratch.psf, CubePlanes::Psf::kSpectrum);
    std::fill_n(model, transform.rows() * transform.width(), 0.0F);
    const double sigma = sigmas_[static_cast<size_t>(t)];
    for (const auto& [k, weights] : components_)
      weights.add(model, transform.height(), transform.width(), componentFlux(sources[k], t, sigma));
    transform.forward(model, sky);
    for (int64_t i = 0; i < planes_.transform().spectrumValues(); ++i) sky[i] *= through[i];
    transform.inverse(sky, model);
    planes_.readDirty(t, scratch.residual.data());
    subtract(model, scratch.residual.data());
    planes_.readPsfCore(t, coreSide_, scratch.core.data());
    for (size_t k = 0; k < sources.size(); ++k) measure(k, t, scratch.core.data(), scratch.residual, sources);
  }

 private:
  struct Component {
    size_t source;
    PointWeights
        weights;  // of its place in the sky; as a source's own: of the PSF, from it to that source's pixel
  };
  /// The pixel a source is measured at: the same in every frame.
  struct Seen {
    Seen(const MeasuredSource& it, Pixel pixel) : at(pixel), weights(weightsFrom(it, pixel)) {}
    Pixel at;
    PointWeights weights;        // of the PSF, from its place to the pixel
    std::vector<Component> own;  // components whose flux is the source's
  };

  void subtract(const float* model, float* residual) const {
    const CubeInfo& cube = planes_.cube();
    const int64_t height = planes_.transform().height(), width = planes_.transform().width();
    const float scale = 1 / static_cast<float>(planes_.transform().planeValues());
    for (int64_t y = 0; y < cube.height; ++y) {
      const float* const from = model + (y + kModelRow) % height * width;
      float* const row = residual + y * cube.width;
      for (int64_t x = 0; x < cube.width; ++x) row[x] -= scale * from[x];
    }
  }

  static PointWeights weightsFrom(const MeasuredSource& it, Pixel at) {
    return {static_cast<double>(at.x) - it.x, static_cast<double>(at.y) - it.y};
  }

  static double componentFlux(const MeasuredSource& it, int t, double sigma) {
    return it.amplitude * it.profile[static_cast<size_t>(t)] * sigma;
  }

  double psfAt(const float* psf, const PointWeights& weights) const {
    return weights.sample(psf, coreSide_, coreSide_);
  }

  /// Of one source, writes values of this frame alone: frames are measured by several threads.
  void measure(size_t k, int t, const float* psf, const std::vector<float>& residual,
               std::vector<MeasuredSource>& sources) const {
    const CubeInfo& cube = planes_.cube();
    const double sigma = sigmas_[static_cast<size_t>(t)];
    MeasuredSource& it = sources[k];
    const Seen& seen = seen_[k];
    double value = static_cast<double>(residual[static_cast<size_t>(seen.at.y * cube.width + seen.at.x)]);
    for (const auto& [j, weights] : seen.own)
      value += componentFlux(sources[j], t, sigma) * psfAt(psf, weights);
    for (const CleanComponent& own : shares_[k])
      value += static_cast<double>(own.flux) * psfBetween(psf, own, seen.at);
    const double response = psfAt(psf, seen.weights);
    const auto i = static_cast<size_t>(t);
    it.flux[i] = value / response;
    it.fluxError[i] = sigma / response;
    it.fluxRec[i] = componentFlux(it, t, sigma) + it.staticFlux;
    it.localRms[i] = rmsAround(seen.at, residual);
  }

  double psfBetween(const float* psf, const CleanComponent& from, Pixel to) const {
    const int64_t x = (to.x - from.x + coreSide_) % coreSide_, y = (to.y - from.y + coreSide_) % coreSide_;
    return static_cast<double>(psf[y * coreSide_ + x]);
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
  const int64_t coreSide_;
  std::vector<Component> components_;
  std::vector<Seen> seen_;                           // of each source
  std::vector<std::vector<CleanComponent>> shares_;  // of the static sky
};

}  // namespace

void takeProfiles(const float* cube, const CubePlanes& planes, const std::vector<double>& sigmas,
                  double beamPx, std::vector<MeasuredSource>& sources) {
  const CubeInfo& info = planes.cube();
  for (MeasuredSource& it : sources) {
    const Pixel at = nearest(it, info);
    const int64_t pixel = at.y * info.width + at.x;
    const double beam = beamAt(it, at, beamPx);
    const StaticSky* sky = planes.staticSky();
    const double taken = sky ? static_cast<double>(sky->image()[static_cast<size_t>(pixel)]) : 0;
    it.profile.resize(static_cast<size_t>(info.frames));
    for (size_t t = 0; t < it.profile.size(); ++t) {
      const auto value = static_cast<double>(cube[static_cast<int64_t>(t) * planes.pixels() + pixel]);
      it.profile[t] = (value - taken / sigmas[t]) / beam;
    }
  }
}

void takeTruth(const CubeReader& sky, double beamPx, std::vector<MeasuredSource>& sources) {
  const CubeInfo& info = sky.info();
  std::vector<float> frame(static_cast<size_t>(info.width * info.height));
  for (int t = 0; t < info.frames; ++t) {
    sky.read(t, frame.data());
    for (MeasuredSource& it : sources) {
      const Pixel at = nearest(it, info);
      const float value = frame[static_cast<size_t>(at.y * info.width + at.x)];
      it.truth.push_back(static_cast<double>(value) / beamAt(it, at, beamPx));
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
  takeStaticFluxes(planes, options.beamPx, sources);
  const FrameWork work(planes, sigmas, options.beamPx, sources);
  std::vector<FrameScratch> scratch;
  for (int i = 0; i < std::min(options.threads, planes.cube().frames); ++i)
    scratch.emplace_back(planes, coreSide(options.beamPx));
  const auto measure = [&](int t, int worker) {
    if (options.cancelled && *options.cancelled) throw OtfError(Code::kCancelled, "stopped on request");
    work.run(t, scratch[static_cast<size_t>(worker)], sources);
  };
  inOrder(planes.cube().frames, options.threads, measure, [&](int t, int worker) {
    if (options.residual) options.residual(t, scratch[static_cast<size_t>(worker)].residual.data());
  });
}

}  // namespace otf
