// One band of a cube on its way through a reconstruction. A cube without an axis of frequency is one band.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "reconstruct/channels.h"

namespace otf {

struct Band {
  Band(CubeReader cubeOfBand, PsfReader psfOfBand, std::optional<CubeReader> truthOfBand);
  Band(const Band&) = delete;
  Band& operator=(const Band&) = delete;

  const CubeInfo& info() const { return cube.info(); }

  CubeReader cube;
  PsfReader psf;
  std::optional<CubeReader> truth;
  CubePlanes planes;
  std::unique_ptr<Channels> channels;  // while windows of it are made
  /// In units of each frame's noise, [frames][height][width].
  std::vector<float> reconstructed;
  std::vector<double> sigmas;     // per frame, in the cube's unit; the following too once channels are there
  std::vector<double> psfFwhmPx;  // NaN where the PSF's core is no peak
  std::vector<double> psfSidelobes;  // NaN where the PSF does not reach them
  int64_t blankPixels = 0;

  /// Reads it once, and a few times more where what is static is taken away first. Throws as Channels.
  void begin(const ReconstructorConfig& config, StaticPart part, int threads,
             const std::atomic<bool>* cancelled);
  /// Puts what was taken away back into `reconstructed`.
  void restoreStatic();
};

using Bands = std::vector<std::unique_ptr<Band>>;

struct CubeSources {
  std::vector<CubeFile> cube, psf;
  std::optional<CubeFile> times;
  /// Of a simulation: the sky at each instant through the reconstruction's Gaussian, on the same grid.
  std::optional<CubeFile> truth = {};
};

constexpr int kMostBands = 256;

/// The band asked for (0-based), else all there are, by frequency as the cube has them. Throws as CubeReader and PsfReader,
/// and kCubeInvalid for a truth of another shape.
Bands openBands(const CubeSources& sources, std::optional<int> band = std::nullopt);

}  // namespace otf
