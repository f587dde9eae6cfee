// Synthetic radio-continuum fields with known sources, for demonstrations, tests and load.
// They follow the fields the demo model was trained on: 0.604 arcsec pixels, a circular beam of 1.5 arcsec
// FWHM, noise correlated by the beam, Gaussian sources with N(>S) ~ S^-0.9 between 2.5e-6 and 2e-3 Jy.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace otf {

struct SimulateSpec {
  int64_t sizePx = 1024;      // side of the square image, 16 to 32768
  double density = 0.0006;    // sources per pixel, 0 to 0.01
  double noiseJyBeam = 4e-7;  // standard deviation after correlation, > 0
  uint64_t seed = 1;
};

/// What was put in, one element per source in every vector; x, y 0-based pixels.
struct SimulatedTruth {
  std::vector<double> raDeg, decDeg;  // ICRS
  std::vector<double> x, y;
  std::vector<double> fluxJy;                  // integrated, apparent
  std::vector<double> bmajArcsec, bminArcsec;  // FWHM before the beam
  std::vector<double> paPixelDeg;              // from +x towards +y, [-90,90)
  std::vector<double> peakSnr;                 // peak after the beam over the noise

  size_t count() const { return x.size(); }
};

/// Writes a FITS image (float32, Jy/beam, axes RA---SIN, DEC--SIN, FREQ, STOKES) and returns its sources.
/// The same bytes for the same spec, whatever `threads` (0 = the CPUs of this machine). Time is linear in
/// pixels; memory is some bands of rows per thread, never the image. Throws kInvalidArgument for a spec
/// outside its limits, kOutputUnwritable.
SimulatedTruth simulateToFits(const SimulateSpec& spec, const std::string& path, int threads = 0);

}  // namespace otf
