// Light curves: what every frame says of every source, whether it was seen there or not.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "reconstruct/config.h"
#include "reconstruct/spectra.h"

namespace otf {

/// A place that is measured in every frame. Fluxes in the cube's unit; NaN where the pixel is blank.
struct MeasuredSource {
  std::string name;          // of a monitored position; "" = found
  double x = 0, y = 0;       // 0-based pixels
  bool isComponent = false;  // it was found
  bool isInModel = true;     // if so: of the sky; what may as well be noise is not taken from other sources
  double statistic = 0;      // of the detection, in SNR; NaN: a position that was only measured
  std::vector<double> profile;  // the network's, in the frame's noise
  double amplitude = 1;         // of the profile, refitted to the dirty frames
  double staticFlux = 0;        // of what was taken away before (StaticSky): part of flux and fluxRec
  std::vector<double> flux, fluxError, localRms;  // forced
  std::vector<double> fluxRec;                    // amplitude * profile
  std::vector<double> truth;                      // of a simulation, in the cube's unit; else empty
};

struct MeasureOptions {
  double beamPx = 3.2;
  int threads = 1;
  const std::atomic<bool>* cancelled = nullptr;
  /// Residual image of each frame, in order, one at a time, on any thread; may be empty.
  std::function<void(int frame, const float* residual)> residual;
};

/// The profile of each source, without what StaticSky has of it, in cube[frames][height][width] (units of the noise) at the nearest pixel, over the Gaussian
/// beam's value there.
void takeProfiles(const float* cube, const CubePlanes& planes, const std::vector<double>& sigmas,
                  double beamPx, std::vector<MeasuredSource>& sources);

/// `truth` of each source, in the same way, from the frames of the sky as it was.
void takeTruth(const CubeReader& sky, double beamPx, std::vector<MeasuredSource>& sources);

/// Forced photometry: from each dirty frame the components of the model (amplitude * profile at their places, through the frame's
/// PSF) are subtracted; what remains at a source's pixel and its own component make its flux, over the PSF's value there.
/// The amplitude is (n.d + 4) / (n.n + 4) of profile n and dirty values d: drawn towards 1 where the profile says little.
/// What StaticSky has taken away counts to the source it is nearest to, within a FWHM of the beam, in all frames alike.
/// `sigmas`: noise of the frames. Throws kCancelled and as the readers.
void measureLightCurves(const CubePlanes& planes, const std::vector<double>& sigmas,
                        const MeasureOptions& options, std::vector<MeasuredSource>& sources);

}  // namespace otf
