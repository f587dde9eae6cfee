#include "fft/fft.h"

#include <fftw3.h>

#include <algorithm>
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

/// Owns a plan. Made and let go one at a time, executed by any number of threads.
class Plan {
 public:
  Plan() = default;
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  ~Plan() {
    const std::lock_guard lock(planner());
    if (plan_) fftwf_destroy_plan(plan_);
  }
  fftwf_plan get() const { return plan_; }
  /// `plan()`, which must be there.
  template <typename Make>
  void make(const Make& plan, int64_t height, int64_t width) {
    const std::lock_guard lock(planner());
    plan_ = plan();
    if (!plan_) {
      throw OtfError(Code::kOutOfMemory, "no memory to transform planes of " + std::to_string(width) + "x" +
                                             std::to_string(height) + " pixels");
    }
  }

 private:
  fftwf_plan plan_ = nullptr;
};

void requireSides(int64_t height, int64_t width) {
  const auto good = [](int64_t n) { return n >= 2 && n <= kMostLength && n % 2 == 0; };
  if (good(height) && good(width)) return;
  throw OtfError(Code::kInvalidArgument, "a plane of " + std::to_string(width) + "x" +
                                             std::to_string(height) + " pixels cannot be transformed");
}

}  // namespace

struct PlaneTransform::Plans {
  Plan forward, inverse;
};

struct RowsTransform::Plans {
  Plan rowsForward, columnsForward, columnsInverse, rowsInverse;
};

int64_t goodTransformLength(int64_t atLeast) {
  int64_t length = atLeast < 2 ? 2 : atLeast + atLeast % 2;
  while (!isSmooth(length)) length += 2;
  return length;
}

PlaneTransform::PlaneTransform(int64_t height, int64_t width) : height_(height), width_(width) {
  requireSides(height, width);
  plans_ = std::make_unique<Plans>();
  // FFTW_ESTIMATE does not touch the memory a plan is made for.
  const Buffer plane(static_cast<size_t>(planeValues()) * sizeof(float));
  const Buffer spectrum(static_cast<size_t>(spectrumValues()) * sizeof(std::complex<float>));
  auto* half = static_cast<fftwf_complex*>(spectrum.data());
  const auto rows = static_cast<int>(height), columns = static_cast<int>(width);
  const auto forwardPlan = [&] {
    return fftwf_plan_dft_r2c_2d(rows, columns, plane.floats(), half, FFTW_ESTIMATE | FFTW_PRESERVE_INPUT);
  };
  const auto inversePlan = [&] {
    return fftwf_plan_dft_c2r_2d(rows, columns, half, plane.floats(), FFTW_ESTIMATE);
  };
  plans_->forward.make(forwardPlan, height, width);
  plans_->inverse.make(inversePlan, height, width);
}

PlaneTransform::~PlaneTransform() = default;

void PlaneTransform::forward(const float* plane, std::complex<float>* spectrum) const {
  requireAligned(plane);
  requireAligned(spectrum);
  // FFTW's interface has no const; the plan preserves its input.
  fftwf_execute_dft_r2c(plans_->forward.get(), const_cast<float*>(plane), toFftw(spectrum));
}

void PlaneTransform::inverse(std::complex<float>* spectrum, float* plane) const {
  requireAligned(plane);
  requireAligned(spectrum);
  fftwf_execute_dft_c2r(plans_->inverse.get(), toFftw(spectrum), plane);
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

RowsTransform::RowsTransform(int64_t height, int64_t width, int64_t rows)
    : height_(height), width_(width), rows_(rows) {
  requireSides(height, width);
  if (rows < 1 || rows > height)
    throw OtfError(Code::kInvalidArgument, "a plane has no " + std::to_string(rows) + " rows");
  plans_ = std::make_unique<Plans>();
  const Buffer values(static_cast<size_t>(rows * width) * sizeof(float));
  const Buffer spectrum(static_cast<size_t>(height * columns()) * sizeof(std::complex<float>));
  float* const real = values.floats();
  auto* half = static_cast<fftwf_complex*>(spectrum.data());
  const auto down = static_cast<int>(height), across = static_cast<int>(width),
             count = static_cast<int>(rows), wide = static_cast<int>(columns());
  const auto columnsPlan = [&](int sign) {
    return fftwf_plan_many_dft(1, &down, wide, half, nullptr, wide, 1, half, nullptr, wide, 1, sign,
                               FFTW_ESTIMATE);
  };
  plans_->rowsForward.make(
      [&] {
        return fftwf_plan_many_dft_r2c(1, &across, count, real, nullptr, 1, across, half, nullptr, 1, wide,
                                       FFTW_ESTIMATE | FFTW_PRESERVE_INPUT);
      },
      height, width);
  plans_->rowsInverse.make(
      [&] {
        return fftwf_plan_many_dft_c2r(1, &across, count, half, nullptr, 1, wide, real, nullptr, 1, across,
                                       FFTW_ESTIMATE);
      },
      height, width);
  plans_->columnsForward.make([&] { return columnsPlan(FFTW_FORWARD); }, height, width);
  plans_->columnsInverse.make([&] { return columnsPlan(FFTW_BACKWARD); }, height, width);
}

RowsTransform::~RowsTransform() = default;

void RowsTransform::forward(const float* values, std::complex<float>* spectrum) const {
  requireAligned(values);
  requireAligned(spectrum);
  fftwf_execute_dft_r2c(plans_->rowsForward.get(), const_cast<float*>(values), toFftw(spectrum));
  std::fill(spectrum + rows_ * columns(), spectrum + height_ * columns(), std::complex<float>());
  fftwf_execute_dft(plans_->columnsForward.get(), toFftw(spectrum), toFftw(spectrum));
}

void RowsTransform::inverse(std::complex<float>* spectrum, float* values) const {
  requireAligned(values);
  requireAligned(spectrum);
  fftwf_execute_dft(plans_->columnsInverse.get(), toFftw(spectrum), toFftw(spectrum));
  fftwf_execute_dft_c2r(plans_->rowsInverse.get(), toFftw(spectrum), values);
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
