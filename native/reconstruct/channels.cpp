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
/// Spectra kept: all where they fit, else what a window needs.
constexpr int64_t kKeptBytes = int64_t{512} << 20;

int reachOf(double windowFrames) { return static_cast<int>(std::floor(kWindowReach * windowFrames)); }

int keptFrames(const CubePlanes& planes, double windowFrames, int threads) {
  const int64_t fit = kKeptBytes / SpectraCache::frameBytes(planes.transform());
  const int64_t needed = int64_t{2} * reachOf(windowFrames) + threads;
  return static_cast<int>(std::min<int64_t>(std::max(fit, needed), planes.cube().frames));
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

Channels::Channels(const CubePlanes& planes, const ReconstructorConfig& config, int threads,
                   const std::atomic<bool>* cancelled, const std::vector<double>& known)
    : planes_(planes), config_(config), threads_(threads) {
  measureNoise(cancelled);
  if (!known.empty()) sigmas_ = known;
  for (int i = 0; i < std::min(threads, planes.cube().frames); ++i) scratch_.emplace_back(planes.transform());
  cache_ = std::make_unique<SpectraCache>(planes_, sigmas_,
                                          keptFrames(planes_, config_.windowFrames, threads_), threads_);
  combineAll(cancelled);
}

int64_t Channels::memoryBytes(const CubePlanes& planes, const ReconstructorConfig& config, int threads) {
  const int64_t frame = SpectraCache::frameBytes(planes.transform());
  // A thread's scratch: a plane, its spectrum, a PSF as its file has it, and sums.
  const int64_t own = 2 * frame + planes.transform().planeValues() * static_cast<int64_t>(sizeof(float));
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
  const Buffer cross(static_cast<size_t>(count) * sizeof(Complex)),
      power(static_cast<size_t>(count) * sizeof(float));
  auto* sum = static_cast<Complex*>(cross.data());
  std::fill_n(sum, count, Complex());
  std::fill_n(power.floats(), count, 0.0F);
  const int frames = planes_.cube().frames;
  for (int t = 0; t < frames; t += threads_) {
    throwIfCancelled(cancelled);
    for (const FrameSpectra* it : cache_->range(t, std::min(t + threads_, frames) - 1, scratch_)) {
      psfFwhms_.push_back(it->psfFwhm);
      for (int64_t i = 0; i < count; ++i) {
        sum[i] += it->cross[i];
        power.floats()[i] += it->power[i];
      }
    }
  }
  all_.resize(static_cast<size_t>(planes_.pixels()));
  wienerImage(planes_, config_.wienerLambda, sum, power.floats(), scratch_.front().plane.floats(),
              all_.data());
}

void Channels::make(int first, int count, float* out, int64_t stride) {
  const PlaneTransform& transform = planes_.transform();
  const int64_t values = transform.spectrumValues(), pixels = planes_.pixels();
  const int reach = reachOf(config_.windowFrames), frames = planes_.cube().frames;
  float* const dirty = out;
  float* const window = out + stride;
  std::vector<Buffer> powers;
  for (int i = 0; i < std::min(threads_, count); ++i)
    powers.emplace_back(static_cast<size_t>(values) * sizeof(float));
  // A few frames at a time, so that the spectra they share are there and no more.
  for (int done = 0; done < count; done += threads_) {
    const int group = std::min(threads_, count - done), from = first + done;
    const int low = std::max(0, from - reach), high = std::min(frames - 1, from + group - 1 + reach);
    const std::vector<const FrameSpectra*> spectra = cache_->range(low, high, scratch_);
    inThreads(group, threads_, [&](int i) {
      const int t = from + i;
      const int64_t at = (done + i) * pixels;
      const auto scale = static_cast<float>(1 / sigmas_[static_cast<size_t>(t)]);
      planes_.readDirty(t, dirty + at);
      for (int64_t p = at; p < at + pixels; ++p) dirty[p] = std::isnan(dirty[p]) ? 0 : dirty[p] * scale;
      const PlaneScratch& scratch = scratch_[static_cast<size_t>(i)];
      Complex* sum = scratch.spectrumValues();
      float* power = powers[static_cast<size_t>(i)].floats();
      std::fill_n(sum, values, Complex());
      std::fill_n(power, values, 0.0F);
      // Block by block, so that the sums stay in the nearest cache while the frames of the window pass by.
      for (int64_t v0 = 0; v0 < values; v0 += kSumBlock) {
        const int64_t v1 = std::min(values, v0 + kSumBlock);
        for (int k = std::max(low, t - reach); k <= std::min(high, t + reach); ++k) {
          const double distance = (k - t) / config_.windowFrames;
          const auto weight = static_cast<float>(std::exp(-0.5 * distance * distance));
          const FrameSpectra& it = *spectra[static_cast<size_t>(k - low)];
          for (int64_t v = v0; v < v1; ++v) {
            sum[v] += weight * it.cross[v];
            power[v] += weight * it.power[v];
          }
        }
      }
      wienerImage(planes_, config_.wienerLambda, sum, power, scratch.plane.floats(), window + at);
      for (int64_t p = at; p < at + pixels; ++p) window[p] *= scale;
    });
  }
}

}  // namespace otf
