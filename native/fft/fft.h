// Fourier transforms of real planes, through FFTW in single precision.
// Convention: forward is unnormalised, sum of p(y,x) exp(-2 pi i (ky y / height + kx x / width)); inverse divides by
// height * width. A spectrum is the half plane kx = 0..width/2, [height][columns()].
#pragma once

#include <complex>
#include <cstdint>
#include <memory>

namespace otf {

/// The least even number >= `atLeast` without a prime factor above 7: lengths FFTW is fast at.
int64_t goodTransformLength(int64_t atLeast);

/// Transforms of planes of one size. The plan is estimated, never timed, so that a machine gives the same bits in every
/// run. Thread-safe: any number of threads transform at once.
class PlaneTransform {
 public:
  /// Both even, 2 to 65536, else kInvalidArgument. Throws kOutOfMemory when there is no plan.
  PlaneTransform(int64_t height, int64_t width);
  ~PlaneTransform();
  PlaneTransform(const PlaneTransform&) = delete;
  PlaneTransform& operator=(const PlaneTransform&) = delete;

  int64_t height() const { return height_; }
  int64_t width() const { return width_; }
  int64_t columns() const { return width_ / 2 + 1; }
  int64_t planeValues() const { return height_ * width_; }
  int64_t spectrumValues() const { return height_ * columns(); }

  /// plane[height][width] is kept. Both are aligned to 64 bytes (tensor/buffer.h), else kInternal.
  void forward(const float* plane, std::complex<float>* spectrum) const;
  /// The spectrum is used up; columns 0 and width/2 are Hermitian in ky (makeHermitian).
  void inverse(std::complex<float>* spectrum, float* plane) const;
  /// Makes any numbers the spectrum of a real plane: the mean of what columns 0 and width/2 say at ky and -ky.
  void makeHermitian(std::complex<float>* spectrum) const;

 private:
  struct Plans;
  int64_t height_, width_;
  std::unique_ptr<Plans> plans_;
};

/// Transforms of planes of which only the first rows hold anything, or are wanted: a quarter less work for half of them.
/// Otherwise as PlaneTransform.
class RowsTransform {
 public:
  /// `rows` of a plane of [height][width], 1 to height.
  RowsTransform(int64_t height, int64_t width, int64_t rows);
  ~RowsTransform();
  RowsTransform(const RowsTransform&) = delete;
  RowsTransform& operator=(const RowsTransform&) = delete;

  int64_t height() const { return height_; }
  int64_t width() const { return width_; }
  int64_t columns() const { return width_ / 2 + 1; }
  int64_t rows() const { return rows_; }

  /// Of values[rows][width], which are kept, and zeros below them.
  void forward(const float* values, std::complex<float>* spectrum) const;
  /// values[rows][width]: the first rows of the plane, times height * width. The spectrum is used up; columns 0 and width/2
  /// are Hermitian in ky.
  void inverse(std::complex<float>* spectrum, float* values) const;

 private:
  struct Plans;
  int64_t height_, width_, rows_;
  std::unique_ptr<Plans> plans_;
};

/// "3.3.10": the FFTW in use.
const char* fftwVersion();

}  // namespace otf
