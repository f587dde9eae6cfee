#include "reconstruct/channels.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "error/error.h"
#include "reconstruct/frame_noise.h"
#include "threads/in_threads.h"

namespace otf {
namespace {

/// Weights further out than this many sigma of the window are below 4e-6.
constexpr double kWindowReach = 5;
/// Values of a spectrum whose sums (12 bytes each) fit the first cache.
constexpr int64_t kSumBlock = 1024;
/// Frames of a thread whose sums are made side by side where all spectra are kept: those come from far, and each once for them.
constexpr int kTogether = 4;
/// Spectra kept: all where they fit, else what a window needs.
constexpr int64_t kKeptBytes = int64_t{512} << 20;

int reachOf(double windowFrames) { return static_cast<int>(std::floor(kWindowReach * windowFrames)); }

int keptFrames(const CubePlanes& planes, double windowFrames, int threads) {
  const int64_t fit = kKeptBytes / SpectraCache::frameBytes(planes.transform());
  const int64_t needed = int64_t{2} * reachOf(windowFrames) + threads;
  return static_cast<int>(std::min<int64_t>(std::max(fit, needed), planes.cube().frames));
}

int framesTogether(const CubePlanes& planes, double windowFrames, int threads) {
  return keptFrames(planes, windowFrames, threads) == planes.cube().frames ? kTogether : 1;
}

void throwIfCancelled(const std::atomic<bool>* cancelled) {
  if (cancelled && *cancelled) throw OtfError(Code::kCancelled, "stopped on request");
}

/// Sum over the full plane of a half plane with Hermitian partners.
double fullSum(const PlaneTransform& transform, const float* half) {
  double sum = 0;
  for (int64_t y = 0; y < transform.height(); ++y) {
    const float* row = half + y * transform.columns();
    double inner = 0;
    for (int64_t x = 1; x < transform.columns() - 1; ++x) inner += static_cast<double>(row[x]);
    sum += 2 * inner + static_cast<double>(row[0]) + static_cast<double>(row[transform.columns() - 1]);
  }
  return sum;
}

/// From sums over frames to the image, in the cube's unit; both are used up.
void wienerImage(const CubePlanes& planes, double lambda, Complex* cross, float* power, float* plane,
                 float* image) {
  const PlaneTransform& transform = planes.transform();
  const int64_t count = transform.spectrumValues();
  const float floor = static_cast<float>(lambda) * *std::max_element(power, power + count);
  for (int64_t i = 0; i < count; ++i) {
    const float share = 1 / (power[i] + floor);
    cross[i] *= share;
    power[i] *= share;
  }
  const double mean = fullSum(transform, power) / static_cast<double>(transform.planeValues());
  transform.inverse(cross, plane);
  planes.crop(plane, image);
  const auto scale = static_cast<float>(1 / mean);
  for (int64_t i = 0; i < planes.pixels(); ++i) image[i] *= scale;
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
  cache_ = std::make_unique<SpectraCache>(planes_, sigmas_,
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
  const auto count = transform.spectrumValues();
  const Sums sums(transform);
  Complex* const sum = sums.crosses();
  float* const power = sums.power.floats();
  std::fill_n(sum, count, Complex());
  std::fill_n(power, count, 0.0F);
  const int frames = planes_.cube().frames;
  for (int t = 0; t < frames; t += threads_) {
    throwIfCancelled(cancelled);
    for (const FrameSpectra* it : cache_->range(t, std::min(t + threads_, frames) - 1, scratch_)) {
      psfFwhms_.push_back(it->psfFwhm);
      for (int64_t i = 0; i < count; ++i) {
        sum[i] += it->cross[i];
        power[i] += it->power[i];
      }
    }
  }
  all_.resize(static_cast<size_t>(planes_.pixels()));
  wienerImage(planes_, config_.wienerLambda, sum, power, scratch_.front().plane.floats(), all_.data());
}

/// Sums over the window of `count` frames from `t` on: crosses and powers of their own. Block by block, so that sums and spectra
/// stay in the nearest cache while a spectrum that frames share is added to all of theirs.
void Channels::sumWindows(const std::vector<const FrameSpectra*>& spectra, int low, int t, int count,
                          const std::vector<Sums>& sums) const {
  const int reach = reachOf(config_.windowFrames), high = low + static_cast<int>(spectra.size()) - 1;
  const int64_t values = planes_.transform().spectrumValues();
  for (int64_t v0 = 0; v0 < values; v0 += kSumBlock) {
    const int64_t v1 = std::min(values, v0 + kSumBlock);
    for (int i = 0; i < count; ++i) {
      std::fill(sums[static_cast<size_t>(i)].crosses() + v0, sums[static_cast<size_t>(i)].crosses() + v1,
                Complex());
      std::fill(sums[static_cast<size_t>(i)].power.floats() + v0,
                sums[static_cast<size_t>(i)].power.floats() + v1, 0.0F);
    }
    for (int k = std::max(low, t - reach); k <= std::min(high, t + count - 1 + reach); ++k) {
      const FrameSpectra& it = *spectra[static_cast<size_t>(k - low)];
      for (int i = std::max(0, k - reach - t); i < std::min(count, k + reach - t + 1); ++i) {
        const double distance = (k - t - i) / config_.windowFrames;
        const auto weight = static_cast<float>(std::exp(-0.5 * distance * distance));
        Complex* cross = sums[static_cast<size_t>(i)].crosses();
        float* power = sums[static_cast<size_t>(i)].power.floats();
        for (int64_t v = v0; v < v1; ++v) {
          cross[v] += weight * it.cross[v];
          power[v] += weight * it.power[v];
        }
      }
    }
  }
}

void Channels::make(int first, int count, float* out, int64_t stride) {
  const int64_t pixels = planes_.pixels();
  const int reach = reachOf(config_.windowFrames), frames = planes_.cube().frames;
  float* const dirty = out;
  float* const window = out + stride;
  // A few frames at a time, so that the spectra they share are there and no more.
  const int most = threads_ * together_;
  std::vector<std::vector<Sums>> sums(
      static_cast<size_t>(std::min(threads_, (count + together_ - 1) / together_)));
  for (std::vector<Sums>& of : sums) {
    for (int i = 0; i < std::min(together_, count); ++i) of.emplace_back(planes_.transform());
  }
  for (int done = 0; done < count; done += most) {
    const int group = std::min(most, count - done), from = first + done;
    const int low = std::max(0, from - reach), high = std::min(frames - 1, from + group - 1 + reach);
    const std::vector<const FrameSpectra*> spectra = cache_->range(low, high, scratch_);
    inThreads((group + together_ - 1) / together_, threads_, [&](int piece) {
      const int start = piece * together_, here = std::min(together_, group - start);
      const std::vector<Sums>& own = sums[static_cast<size_t>(piece)];
      sumWindows(spectra, low, from + start, here, own);
      for (int i = 0; i < here; ++i) {
        const int t = from + start + i;
        float* const plane = dirty + (done + start + i) * pixels;
        float* const wiener = window + (done + start + i) * pixels;
        const auto scale = static_cast<float>(1 / sigmas_[static_cast<size_t>(t)]);
        planes_.readDirty(t, plane);
        for (int64_t p = 0; p < pixels; ++p) plane[p] = std::isnan(plane[p]) ? 0 : plane[p] * scale;
        const Sums& it = own[static_cast<size_t>(i)];
        wienerImage(planes_, config_.wienerLambda, it.crosses(), it.power.floats(),
                    scratch_[static_cast<size_t>(piece)].plane.floats(), wiener);
        for (int64_t p = 0; p < pixels; ++p) wiener[p] *= scale;
      }
    });
  }
}

}  // namespace otf
