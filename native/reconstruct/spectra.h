// Fourier transforms of a cube's frames and of their PSFs, made when they are wanted and kept while they are near.
#pragma once

#include <complex>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "fft/fft.h"
#include "reconstruct/cube_reader.h"
#include "reconstruct/psf_reader.h"
#include "tensor/buffer.h"

namespace otf {

using Complex = std::complex<float>;
class StaticSky;

/// Of one frame, over the half plane of the transform.
struct FrameSpectra {
  Buffer cross;  // conj(H) D / sigma^2, Complex
  Buffer power;  // |H|^2 / sigma^2, float
  double psfFwhm = 0;
  const Complex* crossValues() const { return static_cast<const Complex*>(cross.data()); }
};

/// What the work on a frame needs while it goes on, kept from frame to frame: pages of memory that are new each time cost more
/// than the transforms. One thread at a time.
struct PlaneScratch {
  explicit PlaneScratch(const PlaneTransform& transform);
  Complex* spectrumValues() const { return static_cast<Complex*>(spectrum.data()); }

  Buffer plane, spectrum;     // of the transform
  std::vector<float> image;   // of a frame
  std::vector<float> pixels;  // of a PSF as its file has them
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

  /// From here on frames are read without it.
  void takeAway(std::shared_ptr<const StaticSky> sky) { static_ = std::move(sky); }
  /// nullptr: nothing is taken away.
  const StaticSky* staticSky() const { return static_.get(); }

  /// [height][width] of the cube, NaN where blank.
  void readDirty(int frame, float* out) const;
  /// Peak of 1 at (0,0) of scratch.plane.
  void readPsf(int frame, PlaneScratch& scratch) const {
    psf_.read(frame, transform_.height(), transform_.width(), scratch.plane.floats(), scratch.pixels);
  }
  /// Half plane of the PSF's transform; the PSF itself is in scratch.plane afterwards.
  void psfSpectrum(int frame, PlaneScratch& scratch, Complex* out) const;
  /// The image in the corner of `plane`, the rest of it 0.
  void embed(const float* image, float* plane) const;
  void crop(const float* plane, float* image) const;

 private:
  const CubeReader& cube_;
  const PsfReader& psf_;
  PlaneTransform transform_;
  std::shared_ptr<const StaticSky> static_;
};

/// Keeps the spectra of the frames asked for last. One thread at a time asks; frames that are missing are made by several.
class SpectraCache {
 public:
  /// `sigmas`: noise of each frame; blank pixels count as 0. `frames`: how many are kept.
  SpectraCache(const CubePlanes& planes, const std::vector<double>& sigmas, int frames, int threads);

  /// Frames [first, last]; valid until the next call. `scratch`: one for each thread.
  std::vector<const FrameSpectra*> range(int first, int last, std::vector<PlaneScratch>& scratch);

  /// Bytes of one frame.
  static int64_t frameBytes(const PlaneTransform& transform);

 private:
  FrameSpectra make(int frame, PlaneScratch& scratch) const;
  void forgetBefore(int first, int last);

  const CubePlanes& planes_;
  const std::vector<double>& sigmas_;
  int frames_, threads_;
  std::map<int, FrameSpectra> kept_;
};

}  // namespace otf
