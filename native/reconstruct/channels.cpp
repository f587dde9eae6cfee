#include "reconstruct/channels.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <numeric>

#include "error/error.h"
#include "reconstruct/frame_noise.h"
#include "reconstruct/spectrum_sums.h"
#include "threads/in_threads.h"

namespace otf {
namespace {

/// Weights further out than this many sigma of the window are below 4e-6.
constexpr double kWindowReach = 5;
/// Values of a spectrum that are summed over frames before the next ones are.
constexpr int64_t kSumBlock = 512;
/// Spectra kept: all where they fit, else what a window needs.
constexpr int64_t kKeptBytes = int64_t{512} << 20;

int reachOf(double windowFrames) { return static_cast<int>(std::floor(kWindowReach * windowFrames)); }

int keptFrames(const CubePlanes& planes, double windowFrames, int threads) {
  const int64_t fit = kKeptBytes / SpectraCache::frameBytes(planes.transform());
  const int64_t needed = int64_t{2} * reachOf(windowFrames) + threads;
  return static_cast<int>(std::min<int64_t>(std::max(fit, needed), planes.cube().frames));
}

/// Frames of a thread whose sums are made side by side: where all spectra are kept, those come from far, and each once for them.
int framesTogether(const CubePlanes& planes, double windowFrames, int threads) {
  return keptFrames(planes, windowFrames, threads) == planes.cube().frames ? kSumsTogether : 1;
}

void throwIfCancelled(const std::atomic<bool>* cancelled) {
  if (cancelled && *cancelled) throw OtfError(Code::kCancelled, "stopped on request");
}

/// Sum over the full plane of a half plane whose own sum is `half`: what lies between its first and last column counts twice.
double fullSum(const PlaneTransform& transform, const float* values, double half) {
  double once = 0;
  for (int64_t y = 0; y < transform.height(); ++y) {
    const float* row = values + y * transform.columns();
    once += static_cast<double>(row[0]) + static_cast<double>(row[transform.columns() - 1]);
  }
  return 2 * half - once;
}

/// From sums over frames to the image, times `scale`; both are used up.
void wienerImage(const CubePlanes& planes, double lambda, double scale, Complex* cross, float* power,
                 float* plane, float* image) {
  const int64_t count = planes.transform().spectrumValues();
  const float floor = static_cast<float>(lambda) * largestOf(power, count);
  const double half = divideByPower(floor, count, reinterpret_cast<float*>(cross), power);
  // The transform is not scaled, nor is this sum a mean.
  const double sum = fullSum(planes.transform(), power, half);
  planes.imageTransform().inverse(cross, plane);
  planes.crop(plane, image, static_cast<float>(scale / sum));
}

}  // namespace

Channels::Sums::Sums(const PlaneTransform& transform)
    : cross(static_cast<size_t>(transform.spectrumValues()) * sizeof(Complex)),
      power(static_cast<size_t>(transform.spectrumValues()) * sizeof(float)) {}

Channels::Channels(const CubePlanes& planes, const ReconstructorConfig& config, int threads,
                   const std::atomic<bool>* cancelled, const std::vector<double>& known)
    : planes_(planes),
      config_(config),
      threads_(threads),
      together_(framesTogether(planes, config.windowFrames, threads)) {
  measureNoise(cancelled);
  if (!known.empty()) sigmas_ = known;
  for (int i = 0; i < std::min(threads, planes.cube().frames); ++i) scratch_.emplace_back(planes.transform());
  cache_ = std::make_unique<SpectraCache>(planes_, sigmas_, config_.beamPx,
                                          keptFrames(planes_, config_.windowFrames, threads_), threads_);
  combineAll(cancelled);
}

int64_t Channels::memoryBytes(const CubePlanes& planes, const ReconstructorConfig& config, int threads) {
  const int64_t frame = SpectraCache::frameBytes(planes.transform());
  // A thread's scratch: a plane, its spectrum and a PSF as its file has it; sums.
  const int64_t own = frame * (1 + framesTogether(planes, config.windowFrames, threads)) +
                      2 * planes.transform().planeValues() * static_cast<int64_t>(sizeof(float));
  return frame * keptFrames(planes, config.windowFrames, threads) + own * threads +
         planes.keptBytes() * planes.cube().bands + planes.pixels() * static_cast<int64_t>(sizeof(float));
}

void Channels::measureNoise(const std::atomic<bool>* cancelled) {
  const auto frames = static_cast<size_t>(planes_.cube().frames);
  sigmas_.resize(frames);
  std::vector<int64_t> blank(frames);
  inThreads(static_cast<int>(frames), threads_, [&](int t) {
    throwIfCancelled(cancelled);
    const auto at = static_cast<size_t>(t);
    std::vector<float> image(static_cast<size_t>(planes_.pixels()));
    planes_.readDirty(t, image.data());
    blank[at] = std::count_if(image.begin(), image.end(), [](float v) { return std::isnan(v); });
    sigmas_[at] = frameNoise(image);
    if (sigmas_[at] > 0) return;
    throw OtfError(Code::kImageBlank,
                   planes_.cube().label + ", frame " + std::to_string(t + 1) +
                       (std::isnan(sigmas_[at]) ? ": every pixel is blank" : ": its pixels have no noise"));
  });
  blankPixels_ = std::accumulate(blank.begin(), blank.end(), int64_t{0});
}

void Channels::combineAll(const std::atomic<bool>* cancelled) {
  const PlaneTransform& transform = planes_.transform();
  const int64_t count = transform.spectrumValues();
  const Sums sums(transform);
  Complex* const sum = sums.crosses();
  float* const power = sums.power.floats();
  std::fill_n(sum, count, Complex());
  std::fill_n(power, count, 0.0F);
  const int frames = planes_.cube().frames, step = together_ > 1 ? frames : threads_;
  for (int t = 0; t < frames; t += step) {
    throwIfCancelled(cancelled);
    const auto spectra = cache_->range(t, std::min(t + step, frames) - 1, scratch_);
    for (const FrameSpectra* it : spectra) {
      psfFwhms_.push_back(it->psfFwhm);
      psfSidelobes_.push_back(it->psfSidelobes);
    }
    inThreads((count + kSumBlock - 1) / kSumBlock, threads_, [&](int64_t block) {
      const int64_t from = block * kSumBlock, values = std::min(kSumBlock, count - from);
      for (const FrameSpectra* it : spectra) {
        addValues(reinterpret_cast<const float*>(it->cross + from), 2 * values,
                  reinterpret_cast<float*>(sum + from));
        addValues(it->power + from, values, power + from);
      }
    });
  }
  all_.resize(static_cast<size_t>(planes_.pixels()));
  wienerImage(planes_, config_.wienerLambda, 1, sum, power, scratch_.front().plane.floats(), all_.data());
}

/// Sums over the window of `count` frames from `t` on, at most kSumsTogether: crosses and powers of their own.
void Channels::sumWindows(const std::vector<const FrameSpectra*>& spectra, int low, int t, int count,
                          const std::vector<Sums>& sums) const {
  const int reach = reachOf(config_.windowFrames), high = low + static_cast<int>(spectra.size()) - 1;
  const int first = std::max(low, t - reach), last = std::min(high, t + count - 1 + reach);
  const int terms = last - first + 1;
  std::vector<float> weights(static_cast<size_t>(terms) * kSumsTogether);
  for (int k = first; k <= last; ++k) {
    for (int i = std::max(0, k - reach - t); i < std::min(count, k + reach - t + 1); ++i) {
      const double distance = (k - t - i) / config_.windowFrames;
      weights[static_cast<size_t>((k - first) * kSumsTogether + i)] =
          static_cast<float>(std::exp(-0.5 * distance * distance));
    }
  }
  // Block by block, so that sums stay in the nearest cache; those of frames there are not are made nowhere.
  std::vector<float> nowhere(2 * kSumBlock * kSumsTogether);
  const auto sumBlock = [&](int64_t floats, const auto& of, const auto& into) {
    std::array<float*, kSumsTogether> to;
    for (int i = 0; i < kSumsTogether; ++i) {
      to[static_cast<size_t>(i)] =
          i < count ? into(sums[static_cast<size_t>(i)]) : nowhere.data() + int64_t{2} * kSumBlock * i;
      std::fill_n(to[static_cast<size_t>(i)], floats, 0.0F);
    }
    for (int k = 0; k < terms; ++k) {
      addWeighted(of(*spectra[static_cast<size_t>(first + k - low)]),
                  weights.data() + int64_t{k} * kSumsTogether, floats, to.data());
    }
  };
  const int64_t all = planes_.transform().spectrumValues();
  for (int64_t v = 0; v < all; v += kSumBlock) {
    const int64_t block = std::min(kSumBlock, all - v);
    sumBlock(
        2 * block, [&](const FrameSpectra& it) { return reinterpret_cast<const float*>(it.cross + v); },
        [&](const Sums& it) { return reinterpret_cast<float*>(it.crosses() + v); });
    sumBlock(
        block, [&](const FrameSpectra& it) { return it.power + v; },
        [&](const Sums& it) { return it.power.floats() + v; });
  }
}

/// Frames [t, t+count) of the channels, `out` that of frame t.
void Channels::makeFrames(const std::vector<const FrameSpectra*>& spectra, int low, int t, int count,
                          Worker& worker, float* out, int64_t stride) {
  const int64_t pixels = planes_.pixels();
  sumWindows(spectra, low, t, count, worker.sums);
  for (int i = 0; i < count; ++i) {
    float* const dirty = out + i * pixels;
    const double scale = 1 / sigmas_[static_cast<size_t>(t + i)];
    const auto factor = static_cast<float>(scale);
    planes_.readDirty(t + i, dirty);
    std::transform(dirty, dirty + pixels, dirty, [=](float v) { return std::isnan(v) ? 0 : v * factor; });
    const Sums& it = worker.sums[static_cast<size_t>(i)];
    wienerImage(planes_, config_.wienerLambda, scale, it.crosses(), it.power.floats(),
                worker.plane->plane.floats(), dirty + stride);
  }
}

void Channels::make(int first, int count, float* out, int64_t stride) {
  const int reach = reachOf(config_.windowFrames), frames = planes_.cube().frames;
  // Where not all spectra are kept a few frames at a time, so that those they share are there and no more.
  const int most = together_ > 1 ? count : threads_;
  const auto crew = static_cast<size_t>(std::min(threads_, (count + together_ - 1) / together_));
  std::vector<Worker> workers;
  for (size_t w = 0; w < crew; ++w) {
    Worker& it = workers.emplace_back();
    it.plane = &scratch_[w];
    for (int i = 0; i < std::min(together_, count); ++i) it.sums.emplace_back(planes_.transform());
  }
  for (int done = 0; done < count; done += most) {
    const int group = std::min(most, count - done), from = first + done;
    const int low = std::max(0, from - reach), high = std::min(frames - 1, from + group - 1 + reach);
    const std::vector<const FrameSpectra*> spectra = cache_->range(low, high, scratch_);
    std::atomic<int> next{0};
    inThreads(crew, threads_, [&](size_t w) {
      for (int at = together_ * next++; at < group; at = together_ * next++)
        makeFrames(spectra, low, from + at, std::min(together_, group - at), workers[w],
                   out + (done + at) * planes_.pixels(), stride);
    });
  }
}

}  // namespace otf
