// What a reconstruction is told beside its files: the model card's section, and the request.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace otf {

/// Table `reconstructor` of a model card: what the network was trained for. Lengths in pixels and frames.
struct ReconstructorConfig {
  int tilePx = 144;      // most of a tile's side
  int depthFrames = 96;  // most frames of one pass
  int minFrames = 16;    // fewer are no cube for this network
  double beamPx = 3.2;   // FWHM of the Gaussian its output is convolved with
  double wienerLambda = 0.1;
  double windowFrames = 2;     // sigma of the window in time of channel 1
  double rssAtThreshold = 1;   // root of the sum of squares over time that is SNR 5 (docs/transients.md)
  double fluxRecError = 0.34;  // of flux_rec, in units of the frame's noise
  double psfFwhmMin = 0, psfFwhmMax = 0;            // trained range; 0, 0 = not said
  double psfSidelobesMin = 0, psfSidelobesMax = 0;  // the same, of psfSidelobes
  double peakSnrMin = 0, peakSnrMax = 0;            // the same, of a source in one frame
  double cadenceMinS = 0, cadenceMaxS = 0;          // the same, from frame to frame
  int trainedFrames = 32;
};

constexpr int kMostSources = 20000;  // of one cube: a threshold that finds more finds noise

enum class ReconstructMethod { kNetwork, kClean, kCleanSmooth, kCleanBank };

/// What is done about sources that do not change, before the network sees the cube.
enum class StaticPart { kNone, kMeanClean };

struct MonitoredPosition {
  std::string name;
  double x = 0, y = 0;  // 0-based pixels
};

struct ReconstructRequest {
  ReconstructMethod method = ReconstructMethod::kNetwork;
  StaticPart staticPart = StaticPart::kNone;
  double thresholdSnr = 5;
  /// Always measured; on the sky or in pixels (resolved when the cube's WCS is known).
  struct Position {
    std::string name;
    double first = 0, second = 0;
    bool isSky = true;
  };
  std::vector<Position> positions;
  /// Where reconstructed.fits, residual.fits and snr_max.fits go; "" = nowhere.
  std::string folder;
  int threads = 0;  // 0: the CPUs this process may use
  int mostSources = kMostSources;
};

}  // namespace otf
