// Fourier transforms of a cube's frames and of their PSFs, made when they are wanted and kept while they are near.
#pragma once

#include <complex>
#include <memory>
#include <mutex>
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
  int frame = -1;            // -1: none
  Complex* cross = nullptr;  // conj(H) D / sigma^2
  float* power = nullptr;    // |H|^2 / sigma^2
  double psfFwhm = 0, psfSidelobes = 0;
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
/// large, so that nothing meets itself around the edge. Frames may be read by several threads.
class CubePlanes {
 public:
  /// Must outlive it.
  CubePlanes(const CubeReader& cube, const PsfReader& psf);

  const PlaneTransform& transform() const { return transform_; }
  /// Of the rows an image takes, and kTaps more.
  const RowsTransform& imageTransform() const { return imageTransform_; }
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
  enum class Psf { kSpectrum, kPlaneToo };
  /// Half plane of the PSF's transform: kept from the first time on where there is memory for all of them, else made in
  /// scratch.spectrum, as long as that stays. With kPlaneToo the PSF itself is in scratch.plane afterwards.
  const Complex* psfSpectrum(int frame, PlaneScratch& scratch, Psf wanted) const;
  /// Bytes of the spectra and frames that are kept.
  int64_t keptBytes() const { return static_cast<int64_t>(psfSpectra_.bytes() + dirty_.bytes()); }
  /// Of the PSF around its peak, as readPsf has it on a plane of `side` (even) pixels: what is further out is cut off.
  void readPsfCore(int frame, int64_t side, float* out) const { psf_.readCore(frame, side, out); }
  /// The image in the corner of the rows of imageTransform(), the rest of them 0.
  void embed(const float* image, float* rows) const;
  /// `scale` times what is in the corner of a plane.
  void crop(const float* plane, float* image, float scale = 1) const;

 private:
  const CubeReader& cube_;
  const PsfReader& psf_;
  PlaneTransform transform_;
  RowsTransform imageTransform_;
  std::shared_ptr<const StaticSky> static_;
  Buffer psfSpectra_;  // empty: they are not kept
  std::unique_ptr<std::once_flag[]> psfMade_;
  Buffer dirty_;  // the same of the frames, as they are read
  std::unique_ptr<std::once_flag[]> dirtyRead_;
};

/// Keeps the spectra of the frames asked for last, in memory that is taken once. One thread at a time asks; frames that are
/// missing are made by several.
class SpectraCache {
 public:
  /// `sigmas`: noise of each frame; blank pixels count as 0. `frames`: how many are kept, and most of a range. `beamPx`: where
  /// sidelobes are looked for (psfSidelobes).
  SpectraCache(const CubePlanes& planes, const std::vector<double>& sigmas, double beamPx, int frames,
               int threads);

  /// Frames [first, last]; valid until the next call. `scratch`: one for each thread.
  std::vector<const FrameSpectra*> range(int first, int last, std::vector<PlaneScratch>& scratch);

  /// Bytes of one frame.
  static int64_t frameBytes(const PlaneTransform& transform);

 private:
  void make(int frame, PlaneScratch& scratch, FrameSpectra& out) const;

  const CubePlanes& planes_;
  const std::vector<double>& sigmas_;
  double beamPx_;
  int threads_;
  Buffer memory_;
  std::vector<FrameSpectra> kept_;
};

}  // namespace otf
