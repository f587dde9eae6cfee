#include "fft/fft.h"

#include <fftw3.h>

#include <mutex>
#include <string>

#include "error/error.h"
#include "tensor/buffer.h"

namespace otf {
namespace {

constexpr int64_t kMostLength = 65536;

/// FFTW's planner has globals; executing a plan has none (FFTW 3 manual, "Thread safety").
std::mutex& planner() {
  static std::mutex mutex;
  return mutex;
}

void requireAligned(const void* address) {
  if (reinterpret_cast<uintptr_t>(address) % 64 != 0)
    throw OtfError(Code::kInternal, "a plane to be transformed is not aligned");
}

fftwf_complex* toFftw(std::complex<float>* values) { return reinterpret_cast<fftwf_complex*>(values); }

bool isSmooth(int64_t n) {
  for (const int64_t prime : {2, 3, 5, 7}) {
    while (n % prime == 0) n /= prime;
  }
  return n == 1;
}

}  // namespace

struct PlaneTransform::Plans {
  fftwf_plan forward = nullptr, inverse = nullptr;
  Plans() = default;
  Plans(const Plans&) = delete;
  Plans& operator=(const Plans&) = delete;
  ~Plans() {
    const std::lock_guard lock(planner());
    if (forward) fftwf_destroy_plan(forward);
    if (inverse) fftwf_destroy_plan(inverse);
  }
};

int64_t goodTransformLength(int64_t atLeast) {
  int64_t length = atLeast < 2 ? 2 : atLeast + atLeast % 2;
  while (!isSmooth(length)) length += 2;
  return length;
}

PlaneTransform::PlaneTransform(int64_t height, int64_t width) : height_(height), width_(width) {
  const auto good = [](int64_t n) { return n >= 2 && n <= kMostLength && n % 2 == 0; };
  if (!good(height) || !good(width)) {
    throw OtfError(Code::kInvalidArgument, "a plane of " + std::to_string(width) + "x" +
                                               std::to_string(height) + " pixels cannot be transformed");
  }
  plans_ = std::make_unique<Plans>();
  // FFTW_ESTIMATE does not touch the memory a plan is made for.
  const Buffer plane(static_cast<size_t>(planeValues()) * sizeof(float));
  const Buffer spectrum(static_cast<size_t>(spectrumValues()) * sizeof(std::complex<float>));
  auto* half = static_cast<fftwf_complex*>(spectrum.data());
  const auto rows = static_cast<int>(height), columns = static_cast<int>(width);
  {
    const std::lock_guard lock(planner());
    plans_->forward =
        fftwf_plan_dft_r2c_2d(rows, columns, plane.floats(), half, FFTW_ESTIMATE | FFTW_PRESERVE_INPUT);
    plans_->inverse = fftwf_plan_dft_c2r_2d(rows, columns, half, plane.floats(), FFTW_ESTIMATE);
  }
  if (!plans_->forward || !plans_->inverse) {
    throw OtfError(Code::kOutOfMemory, "no memory to transform planes of " + std::to_string(width) + "x" +
                                           std::to_string(height) + " pixels");
  }
}

PlaneTransform::~PlaneTransform() = default;

void PlaneTransform::forward(const float* plane, std::complex<float>* spectrum) const {
  requireAligned(plane);
  requireAligned(spectrum);
  // FFTW's interface has no const; the plan preserves its input.
  fftwf_execute_dft_r2c(plans_->forward, const_cast<float*>(plane), toFftw(spectrum));
}

void PlaneTransform::inverse(std::complex<float>* spectrum, float* plane) const {
  requireAligned(plane);
  requireAligned(spectrum);
  fftwf_execute_dft_c2r(plans_->inverse, toFftw(spectrum), plane);
  const float scale = 1.0F / static_cast<float>(planeValues());
  for (int64_t i = 0; i < planeValues(); ++i) plane[i] *= scale;
}

void PlaneTransform::makeHermitian(std::complex<float>* spectrum) const {
  for (const int64_t kx : {int64_t{0}, width_ / 2}) {
    for (int64_t ky = 0; ky <= height_ / 2; ++ky) {
      std::complex<float>& here = spectrum[ky * columns() + kx];
      std::complex<float>& there = spectrum[(height_ - ky) % height_ * columns() + kx];
      const std::complex<float> mean = 0.5F * (here + std::conj(there));
      here = mean;
      there = std::conj(mean);
    }
  }
}

const char* fftwVersion() {
  static const std::string version = [] {
    // "fftw-3.3.10-sse2-avx"
    const std::string text = fftwf_version;
    const size_t from = text.find_first_of("0123456789");
    return from == std::string::npos ? text : text.substr(from, text.find('-', from) - from);
  }();
  return version.c_str();
}

}  // namespace otf
