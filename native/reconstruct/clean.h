// The classical ways: CLEAN of each frame by itself, smoothing in time, and a bank of filters in time.
// Source: Hogbom 1974 (A&AS 15, 417).
#pragma once

#include <cstdint>
#include <vector>

namespace otf {

struct CleanOptions {
  double gain = 0.1;
  double stopSigma = 3;  // largest pixel that is left, in the image's unit: its noise
  int64_t mostComponents = 192;
  double beamPx = 3.2;  // FWHM of the restoring Gaussian
};

struct CleanComponent {
  int64_t x = 0, y = 0;
  float flux = 0;
};

/// The brightest pixel again and again, `gain` of it at a time; what is left stays in residual[height][width]. In units of
/// its noise. psf: wrapped plane [psfHeight][psfWidth] with 1 at (0,0), at least twice the image.
std::vector<CleanComponent> findComponents(float* residual, int64_t height, int64_t width, const float* psf,
                                           int64_t psfHeight, int64_t psfWidth, const CleanOptions& options);

/// Adds components, each through a Gaussian of FWHM `beamPx`.
void restoreComponents(const std::vector<CleanComponent>& components, double beamPx, float* image,
                       int64_t height, int64_t width);

/// One frame: image[height][width] becomes components * Gaussian + residual.
void cleanFrame(float* image, int64_t height, int64_t width, const float* psf, int64_t psfHeight,
                int64_t psfWidth, const CleanOptions& options);

/// Every pixel's profile convolved with a Gaussian of `sigmaFrames`, ends repeated, unit sum.
void smoothInTime(float* cube, int frames, int64_t pixels, double sigmaFrames, int threads);

/// Detection statistic of the filter bank: at each pixel the largest, over frames and the widths 0.75, 1.5 and 3 frames,
/// of the profile through a Gaussian of unit sum of squares (so that white noise keeps its sigma); zeros beyond the ends.
std::vector<float> filterBank(const float* cube, int frames, int64_t pixels);

}  // namespace otf
