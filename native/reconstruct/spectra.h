// Fourier transforms of a cube's frames and of their PSFs, made when they are wanted and kept while they are near.
#pragma once

#include <complex>
#include <map>
#include <vector>

#include "fft/fft.h"
#include "reconstruct/cube_reader.h"
#include "reconstruct/psf_reader.h"
#include "tensor/buffer.h"

namespace otf {

using Complex = std::complex<float>;

/// Of one frame, over the half plane of the transform.
struct FrameSpectra {
  Buffer cross;  // conj(H) D / sigma^2, Complex
  Buffer power;  // |H|^2 / sigma^2, float
  const Complex* crossValues() const { return static_cast<const Complex*>(cross.data()); }
};

/// The planes of a cube and its PSF as everything here transforms them: images in the corner of a plane at least twice as
/// large, so that nothing meets itself around the edge.
class CubePlanes {
 public:
  /// Must outlive it.
  CubePlanes(const CubeReader& cube, const PsfReader& psf);

  const PlaneTransform& transform() const { return transform_; }
  const CubeInfo& cube() const { return cube_.info(); }
  int64_t pixels() const { return cube().width * cube().height; }
  bool psfPerFrame() const { return psf_.info().perFrame; }

  /// [height][width] of the cube, NaN where blank.
  void readDirty(int frame, float* out) const { cube_.read(frame, out); }
  /// Peak of 1 at (0,0) of a plane of the transform.
  void readPsf(int frame, float* plane) const {
    psf_.read(frame, transform_.height(), transform_.width(), plane);
  }
  /// Half plane of the PSF's transform. `plane`: scratch of transform().planeValues() floats, the PSF afterwards.
  void psfSpectrum(int frame, float* plane, Complex* out) const;
  /// The image in the corner of `plane`, the rest of it 0.
  void embed(const float* image, float* plane) const;
  void crop(const float* plane, float* image) const;

 private:
  const CubeReader& cube_;
  const PsfReader& psf_;
  PlaneTransform transform_;
};

/// Keeps the spectra of the frames asked for last. One thread at a time asks; frames that are missing are made by several.
class SpectraCache {
 public:
  /// `sigmas`: noise of each frame; blank pixels count as 0. `frames`: how many are kept.
  SpectraCache(const CubePlanes& planes, const std::vector<double>& sigmas, int frames, int threads);

  /// Frames [first, last]; valid until the next call.
  std::vector<const FrameSpectra*> range(int first, int last);

  /// Bytes of one frame.
  static int64_t frameBytes(const PlaneTransform& transform);

 private:
  FrameSpectra make(int frame) const;
  void forgetBefore(int first, int last);

  const CubePlanes& planes_;
  const std::vector<double>& sigmas_;
  int frames_, threads_;
  std::map<int, FrameSpectra> kept_;
};

}  // namespace otf
