// Noise as an interferometer image has it: white noise convolved with the beam.
#pragma once

#include <cstdint>
#include <vector>

namespace otf::simulate {

/// One thread at a time; every object of one seed makes the same field, band by band in any order.
class BeamNoise {
 public:
  /// beamSigmaPx: of the Gaussian the white noise is convolved with. noise: standard deviation of the result.
  BeamNoise(uint64_t seed, int64_t widthPx, double beamSigmaPx, double noise);

  /// Rows [row0, row0+rows) into pixels[rows][width]; the field has no borders, so any row0 is good.
  void fill(int64_t row0, int64_t rows, float* pixels);

 private:
  void smoothRow(int64_t row, float* out);

  uint64_t key_;
  int64_t width_, radius_;
  std::vector<float> kernel_;    // one side: [0] = centre; sum of squares of both sides = 1
  std::vector<float> vertical_;  // the same, times the noise
  std::vector<float> white_, smooth_;
};

}  // namespace otf::simulate
