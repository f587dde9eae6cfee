#include "reconstruct/clean.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "reconstruct/spectra.h"
#include "sky/gaussian.h"
#include "threads/in_threads.h"

namespace otf {
namespace {

constexpr double kBeamReach =
    12 / 1.359;                   // of the Gaussian's sigma: as the reference's 12 pixels of 3.2 FWHM
constexpr double kTimeReach = 4;  // of the filters' sigma

std::vector<float> oneSide(double sigma, double reach) {
  std::vector<float> out(static_cast<size_t>(std::lround(reach * sigma)) + 1);
  for (size_t i = 0; i < out.size(); ++i) {
    const double t = static_cast<double>(i) / sigma;
    out[i] = static_cast<float>(std::exp(-0.5 * t * t));
  }
  return out;
}

int64_t brightest(const float* image, int64_t pixels) {
  int64_t best = 0;
  for (int64_t i = 1; i < pixels; ++i) {
    if (std::abs(image[i]) > std::abs(image[best])) best = i;
  }
  return best;
}

}  // namespace

std::vector<CleanComponent> findComponents(float* residual, int64_t height, int64_t width, const float* psf,
                                           int64_t psfHeight, int64_t psfWidth, const CleanOptions& options) {
  // The PSF unwrapped, so that every row of an image is one piece of a row of it.
  std::vector<float> flat(static_cast<size_t>(4 * height * width));
  for (int64_t y = 0; y < 2 * height; ++y) {
    for (int64_t x = 0; x < 2 * width; ++x) {
      flat[static_cast<size_t>(y * 2 * width + x)] =
          psf[(y - height + psfHeight) % psfHeight * psfWidth + (x - width + psfWidth) % psfWidth];
    }
  }
  std::vector<CleanComponent> out;
  for (int64_t k = 0; k < options.mostComponents; ++k) {
    const int64_t at = brightest(residual, height * width);
    const float peak = residual[at];
    if (std::abs(peak) < static_cast<float>(options.stopSigma)) break;
    const int64_t px = at % width, py = at / width;
    const float flux = static_cast<float>(options.gain) * peak;
    out.push_back({px, py, flux});
    for (int64_t y = 0; y < height; ++y) {
      const float* row = flat.data() + (height - py + y) * 2 * width + width - px;
      float* to = residual + y * width;
      for (int64_t x = 0; x < width; ++x) to[x] -= flux * row[x];
    }
  }
  return out;
}

void restoreComponents(const std::vector<CleanComponent>& components, double beamPx, float* image,
                       int64_t height, int64_t width) {
  const std::vector<float> beam = oneSide(beamPx / kFwhmPerSigma, kBeamReach);
  const auto reach = static_cast<int64_t>(beam.size()) - 1;
  for (const auto& [x, y, flux] : components) {
    for (int64_t j = std::max<int64_t>(0, y - reach); j <= std::min(height - 1, y + reach); ++j) {
      const float down = flux * beam[static_cast<size_t>(std::abs(j - y))];
      for (int64_t i = std::max<int64_t>(0, x - reach); i <= std::min(width - 1, x + reach); ++i)
        image[j * width + i] += down * beam[static_cast<size_t>(std::abs(i - x))];
    }
  }
}

void cleanFrame(float* image, int64_t height, int64_t width, const float* psf, int64_t psfHeight,
                int64_t psfWidth, const CleanOptions& options) {
  std::vector<float> residual(image, image + height * width);
  const auto components = findComponents(residual.data(), height, width, psf, psfHeight, psfWidth, options);
  std::fill_n(image, height * width, 0.0F);
  restoreComponents(components, options.beamPx, image, height, width);
  for (int64_t i = 0; i < height * width; ++i) image[i] += residual[static_cast<size_t>(i)];
}

void smoothInTime(float* cube, int frames, int64_t pixels, double sigmaFrames, int threads) {
  std::vector<float> weights = oneSide(sigmaFrames, kTimeReach);
  double sum = 0;
  for (size_t i = 0; i < weights.size(); ++i) sum += static_cast<double>(weights[i]) * (i == 0 ? 1 : 2);
  for (float& w : weights) w = static_cast<float>(static_cast<double>(w) / sum);
  const auto reach = static_cast<int>(weights.size()) - 1;
  constexpr int64_t kBlock = 4096;  // pixels whose profiles fit the caches
  inThreads(static_cast<int>((pixels + kBlock - 1) / kBlock), threads, [&](int block) {
    const int64_t from = block * kBlock, count = std::min(kBlock, pixels - from);
    std::vector<float> before(static_cast<size_t>(frames * count));
    for (int t = 0; t < frames; ++t) std::copy_n(cube + t * pixels + from, count, before.begin() + t * count);
    for (int t = 0; t < frames; ++t) {
      float* out = cube + t * pixels + from;
      std::fill_n(out, count, 0.0F);
      for (int k = -reach; k <= reach; ++k) {
        const float* other = before.data() + std::clamp(t + k, 0, frames - 1) * count;
        const float w = weights[static_cast<size_t>(std::abs(k))];
        for (int64_t p = 0; p < count; ++p) out[p] += w * other[p];
      }
    }
  });
}

std::vector<float> filterBank(const float* cube, int frames, int64_t pixels) {
  std::vector<float> best(static_cast<size_t>(pixels), -std::numeric_limits<float>::max());
  std::vector<float> filtered(static_cast<size_t>(pixels));
  for (const double sigma : {0.75, 1.5, 3.0}) {
    std::vector<float> weights = oneSide(sigma, kTimeReach);
    double squares = 0;
    for (size_t i = 0; i < weights.size(); ++i)
      squares += static_cast<double>(weights[i]) * static_cast<double>(weights[i]) * (i == 0 ? 1 : 2);
    for (float& w : weights) w = static_cast<float>(static_cast<double>(w) / std::sqrt(squares));
    const auto reach = static_cast<int>(weights.size()) - 1;
    for (int t = 0; t < frames; ++t) {
      std::fill(filtered.begin(), filtered.end(), 0.0F);
      for (int k = std::max(-reach, -t); k <= std::min(reach, frames - 1 - t); ++k) {
        const float* other = cube + (t + k) * pixels;
        const float w = weights[static_cast<size_t>(std::abs(k))];
        for (int64_t p = 0; p < pixels; ++p) filtered[static_cast<size_t>(p)] += w * other[p];
      }
      for (size_t p = 0; p < best.size(); ++p) best[p] = std::max(best[p], filtered[p]);
    }
  }
  return best;
}

}  // namespace otf
