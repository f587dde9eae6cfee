// What the network sees of a cube: three images per frame, in units of the frame's noise.
//   0  the dirty image
//   1  a Wiener image of a window in time (Gaussian weights K), combined in the uv plane:
//      F^-1[ sum_k K(t,k) conj(H_k) D_k / s_k^2 / (sum_k K(t,k) |H_k|^2 / s_k^2 + lambda max) ] over the mean of its transfer function
//   2  the same over all frames (K = 1): one image
// A steady point source has the same peak in all of them, edges apart.
#pragma once

#include <memory>

#include "reconstruct/config.h"
#include "reconstruct/spectra.h"

namespace otf {

constexpr int kChannels = 3;
constexpr int kFrameChannels =
    2;  // that are another image in each frame: the last is one, over the frame's noise

/// One thread at a time; frames are made by several.
class Channels {
 public:
  /// Reads the whole cube once for the noise and channel 2. `planes` must outlive it. `known`: noise of each frame, in place
  /// of what its pixels say. Throws kImageBlank for a frame that is blank or without noise, kCancelled, kOutOfMemory.
  Channels(const CubePlanes& planes, const ReconstructorConfig& config, int threads,
           const std::atomic<bool>* cancelled, const std::vector<double>& known = {});

  /// Noise of each frame, in the cube's unit.
  const std::vector<double>& sigmas() const { return sigmas_; }
  /// Of the PSF's core, each frame; NaN where it is no peak.
  const std::vector<double>& psfFwhms() const { return psfFwhms_; }
  /// Of the PSF in each frame.
  const std::vector<double>& psfSidelobes() const { return psfSidelobes_; }
  int64_t blankPixels() const { return blankPixels_; }
  /// Channel 2 in the cube's unit, [height][width]: in every frame this over its noise.
  const std::vector<float>& all() const { return all_; }

  /// The first kFrameChannels of frames [first, first+count): out[channel * stride + frame * pixels], [height][width] of each.
  /// Forward only is fast.
  void make(int first, int count, float* out, int64_t stride);

  /// Bytes this needs for such a cube, `frames` of channels not counted.
  static int64_t memoryBytes(const CubePlanes& planes, const ReconstructorConfig& config, int threads);

 private:
  /// Over frames, of the half plane.
  struct Sums {
    explicit Sums(const PlaneTransform& transform);
    Complex* crosses() const { return static_cast<Complex*>(cross.data()); }
    Buffer cross, power;
  };

  /// What a thread makes frames in.
  struct Worker {
    PlaneScratch* plane = nullptr;
    std::vector<Sums> sums;
  };

  void measureNoise(const std::atomic<bool>* cancelled);
  void combineAll(const std::atomic<bool>* cancelled);
  void sumWindows(const std::vector<const FrameSpectra*>& spectra, int low, int t, int count,
                  const std::vector<Sums>& sums) const;
  void makeFrames(const std::vector<const FrameSpectra*>& spectra, int low, int t, int count, Worker& worker,
                  float* out, int64_t stride);

  const CubePlanes& planes_;
  const ReconstructorConfig config_;
  int threads_, together_;
  std::vector<double> sigmas_, psfFwhms_, psfSidelobes_;
  int64_t blankPixels_ = 0;
  std::vector<PlaneScratch> scratch_;  // of each thread
  std::unique_ptr<SpectraCache> cache_;
  std::vector<float> all_;
};

}  // namespace otf
