// Synthetic observations of a changing sky: dirty image cubes (t,y,x) with the PSF of every frame, and the truth.
// One pointing of an interferometer: baselines turn with the Earth, noise is drawn in the uv plane so that it has the PSF's
// correlation, sources keep their places and change in time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "simulate/cube/array.h"
#include "simulate/cube/light_curve.h"

namespace otf {

enum class Weighting { kNatural, kUniform, kBriggs };

struct PlacedSource {
  double x = 0, y = 0;  // 0-based pixels
  simulate::CurveShape shape = simulate::CurveShape::kSteady;
  double t0 = 0, tau = 1;  // frames
  double peakJy = 0;
};

struct CubeSpec {
  int64_t sizePx = 64;    // side, even, 16 to 4096
  int frames = 32;        // 1 to 4096
  double cellArcsec = 3;  // side of a pixel
  double frequencyMHz = 1400, bandwidthMHz = 0;
  int channels = 1;  // over the bandwidth, for the uv coverage
  simulate::AntennaArray array;
  double declinationDeg = -30, hourAngleDeg = 0;  // hour angle in the middle
  double hours = 8;
  int snapshots = 5;  // per frame
  Weighting weighting = Weighting::kBriggs;
  double robust = 0;
  int superWeight = 1;        // weights are those of a field this many times smaller
  double noiseJyBeam = 1e-3;  // rms of a dirty frame; with `sefdJy` it follows from that
  double sefdJy = 0, efficiency = 0.9, integrationS = 8;

  int transients = 3, steady = 3;
  std::vector<simulate::CurveShape> shapes;  // drawn from, each as likely; empty: gate, gaussian, decay
  double tauMin = 2, tauMax = 4;             // frames, drawn uniformly
  double sigmaOverPeak = 0.2;                // noise over the peak of the sources
  double spread = 1;        // peaks of transients are log-uniform within this factor both ways
  double separationPx = 4;  // no two sources are closer
  double beamPx = 3.2;      // FWHM of the truth's Gaussian
  double extendedJy = 0;    // total flux of a steady Gaussian blob in the middle
  bool primaryBeam = false;
  double gainError = 0, phaseErrorDeg = 0;  // rms per antenna and frame
  bool exact = false;  // DFT of every source at every visibility and Kaiser-Bessel gridding, instead of cells
  uint64_t seed = 1;
  std::optional<std::vector<PlacedSource>> sources;  // instead of drawn ones
};

struct CubeSource {
  PlacedSource placed;
  double attenuation = 1;        // of the primary beam
  std::vector<double> fluxJy;    // apparent, per frame
  double raDeg = 0, decDeg = 0;  // ICRS
};

/// Planes of one frame.
struct CubeFrame {
  std::vector<float> dirty;  // [size][size], Jy/beam
  std::vector<float> truth;  // the same, sky convolved with the Gaussian beam
  std::vector<float> psf;    // [2 size][2 size], peak 1 at [size][size]
};

/// One observation. Thread-safe after construction: frames are independent, and the same whatever made them.
class CubeObservation {
 public:
  /// Throws kInvalidArgument for a spec outside its limits, baselines that miss the uv grid, or a w term that matters.
  explicit CubeObservation(const CubeSpec& spec);

  const CubeSpec& spec() const { return spec_; }
  const std::vector<CubeSource>& sources() const { return sources_; }
  double frameSeconds() const { return spec_.hours * 3600 / spec_.frames; }
  /// Throws kOutOfMemory.
  CubeFrame frame(int t) const;
  /// Rms of the noise of a frame, Jy/beam.
  double sigma(int t) const;

 private:
  CubeSpec spec_;
  std::vector<CubeSource> sources_;
};

struct CubeTruth {
  std::vector<CubeSource> sources;
  std::vector<double> sigmaJyBeam;  // per frame
  std::vector<double> timesS;       // middle of each frame after the beginning
  double mjdStart = 0;
};

/// Writes dirty.fits (t,y,x), psf.fits (t,2y,2x) and truth.fits (t,y,x) into `folder`. The same bytes for the same spec,
/// whatever `threads` (0 = the CPUs of this machine); memory is a few planes per thread. Throws as CubeObservation, and
/// kOutputUnwritable.
CubeTruth simulateCube(const CubeSpec& spec, const std::string& folder, int threads = 0);

}  // namespace otf
