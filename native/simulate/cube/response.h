// What an observation makes of the sky in one frame: the transfer function in the uv plane, and its noise.
#pragma once

#include <complex>
#include <vector>

#include "fft/fft.h"
#include "simulate/cube/cube.h"
#include "simulate/cube/tracks.h"
#include "tensor/buffer.h"

namespace otf::simulate {

using Complex = std::complex<float>;

/// Weights on the uv grid of side `side` = 2 size (cells of 1 / (side * cell)): [side][side], (0,0) first, both halves.
struct UvGrid {
  std::vector<double> count;   // visibilities in the cell
  std::vector<double> weight;  // of each visibility there
  double sumWeight = 0;        // over visibilities of both halves
  double sumSquares = 0;       // of their squares
};

/// The cell a visibility falls into; {-1,-1}: outside the grid. Right ascension grows towards smaller x, so u is turned.
struct Cell {
  int64_t x = -1, y = -1;
  bool inside() const { return x >= 0; }
};
Cell cellOf(const Visibility& it, int64_t side, double cellRad);

/// Source of the weights: Briggs 1995 (thesis), chapter 3: 1 / (1 + W f^2), f^2 = (5 10^-robust)^2 sum(W) / sum(W^2).
/// W counts the visibilities in a box of `superWeight` cells to a side (there, section 3.1: super-uniform): the cells of a field
/// that much smaller, whose weights these are then.
UvGrid gridWeights(const std::vector<Visibility>& visibilities, int64_t side, double cellRad,
                   Weighting weighting, double robust, int superWeight = 1);

/// On the grid and with the weights of an observation.
UvGrid gridOf(const CubeSpec& spec, const std::vector<Visibility>& visibilities);

/// Complex gains of the antennas in a frame; all 1 without errors.
std::vector<std::complex<double>> antennaGains(const CubeSpec& spec, int frame);

/// The uv plane of a frame from cells (fast mode). Half planes [side][side/2+1].
struct CellResponse {
  std::vector<float> transfer;     // of the PSF: unit peak
  std::vector<Complex> disturbed;  // of the sky, when gains err; else empty
  std::vector<float> noise;        // amplitude per cell for unit variance in the image
};
CellResponse cellResponse(const CubeSpec& spec, int frame, const UvGrid& grid,
                          const std::vector<Visibility>& visibilities);

Track trackOf(const CubeSpec& spec);
double cellRadians(const CubeSpec& spec);
/// Rms of the image noise for weights like these, with noise per visibility from the system equivalent flux density.
double thermalNoise(const CubeSpec& spec, const UvGrid& grid);

}  // namespace otf::simulate
