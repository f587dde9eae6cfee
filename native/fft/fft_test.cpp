#include "fft/fft.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "error/error.h"
#include "tensor/buffer.h"

using namespace otf;

namespace {

using Complex = std::complex<float>;

template <typename T>
struct Aligned {
  explicit Aligned(int64_t count)
      : memory(static_cast<size_t>(count) * sizeof(T)), data(static_cast<T*>(memory.data())) {}
  Buffer memory;
  T* data;
};

std::vector<float> randomPlane(int64_t count) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<float> plane(static_cast<size_t>(count));
  for (float& x : plane) x = normal(random);
  return plane;
}

}  // namespace

TEST_CASE("the spectrum is that of the sum it is defined by, and comes back") {
  const int64_t height = 6, width = 10;
  const PlaneTransform transform(height, width);
  const std::vector<float> plane = randomPlane(height * width);
  Aligned<float> real(height * width);
  Aligned<Complex> half(transform.spectrumValues());
  std::copy(plane.begin(), plane.end(), real.data);
  transform.forward(real.data, half.data);
  for (int64_t ky = 0; ky < height; ++ky) {
    for (int64_t kx = 0; kx < transform.columns(); ++kx) {
      std::complex<double> sum = 0;
      for (int64_t y = 0; y < height; ++y) {
        for (int64_t x = 0; x < width; ++x) {
          const double turns = double(ky * y) / double(height) + double(kx * x) / double(width);
          sum += double(plane[size_t(y * width + x)]) * std::polar(1.0, -2 * std::numbers::pi * turns);
        }
      }
      CHECK(std::abs(sum - std::complex<double>(half.data[ky * transform.columns() + kx])) < 1e-5);
    }
  }
  for (size_t i = 0; i < plane.size(); ++i) CHECK(real.data[i] == plane[i]);
  transform.inverse(half.data, real.data);
  for (size_t i = 0; i < plane.size(); ++i) CHECK(real.data[i] == doctest::Approx(plane[i]).epsilon(1e-5));
}

TEST_CASE("rows of a plane: their transform is that of the plane, and back come they alone") {
  const int64_t height = 12, width = 10;
  const PlaneTransform whole(height, width);
  Aligned<float> plane(height * width);
  Aligned<Complex> expected(whole.spectrumValues()), half(whole.spectrumValues());
  for (const int64_t rows : {int64_t{1}, int64_t{7}, height}) {
    const RowsTransform transform(height, width, rows);
    const std::vector<float> values = randomPlane(rows * width);
    Aligned<float> some(rows * width);
    std::fill_n(plane.data, height * width, 0.0F);
    std::copy(values.begin(), values.end(), plane.data);
    std::copy(values.begin(), values.end(), some.data);
    whole.forward(plane.data, expected.data);
    transform.forward(some.data, half.data);
    for (int64_t i = 0; i < whole.spectrumValues(); ++i)
      CHECK(std::abs(half.data[i] - expected.data[i]) < 1e-5F);
    for (size_t i = 0; i < values.size(); ++i) CHECK(some.data[i] == values[i]);
    // A spectrum of more than those rows.
    const std::vector<float> all = randomPlane(height * width);
    std::copy(all.begin(), all.end(), plane.data);
    whole.forward(plane.data, half.data);
    transform.inverse(half.data, some.data);
    for (int64_t i = 0; i < rows * width; ++i)
      CHECK(some.data[i] / float(height * width) == doctest::Approx(all[size_t(i)]).epsilon(1e-5));
  }
  CHECK_THROWS_AS(RowsTransform(12, 10, 13), OtfError);
  CHECK_THROWS_AS(RowsTransform(12, 10, 0), OtfError);
}

TEST_CASE("any numbers can be made the spectrum of a real plane") {
  const int64_t height = 8, width = 12;
  const PlaneTransform transform(height, width);
  const std::vector<float> numbers = randomPlane(transform.spectrumValues() * 2);
  Aligned<Complex> half(transform.spectrumValues()), again(transform.spectrumValues());
  for (int64_t i = 0; i < transform.spectrumValues(); ++i)
    half.data[i] = {numbers[size_t(2 * i)], numbers[size_t(2 * i + 1)]};
  transform.makeHermitian(half.data);
  const std::vector<Complex> made(half.data, half.data + transform.spectrumValues());
  Aligned<float> plane(height * width);
  transform.inverse(half.data, plane.data);
  transform.forward(plane.data, again.data);
  for (size_t i = 0; i < made.size(); ++i) CHECK(std::abs(again.data[i] - made[i]) < 1e-4F);
}

TEST_CASE("threads share a transform and give the same bits") {
  const PlaneTransform transform(64, 64);
  const std::vector<float> plane = randomPlane(64 * 64);
  std::vector<std::vector<Complex>> results(4);
  {
    std::vector<std::jthread> threads;
    for (auto& result : results) {
      threads.emplace_back([&] {
        Aligned<float> real(64 * 64);
        Aligned<Complex> half(transform.spectrumValues());
        std::copy(plane.begin(), plane.end(), real.data);
        transform.forward(real.data, half.data);
        result.assign(half.data, half.data + transform.spectrumValues());
      });
    }
  }
  for (const auto& result : results) CHECK(result == results[0]);
}

TEST_CASE("lengths: even, with small factors, and no others are taken") {
  CHECK(goodTransformLength(1) == 2);
  CHECK(goodTransformLength(128) == 128);
  CHECK(goodTransformLength(129) == 140);
  CHECK(goodTransformLength(502) == 504);
  CHECK_THROWS_AS(PlaneTransform(7, 8), OtfError);
  CHECK_THROWS_AS(PlaneTransform(8, 70000), OtfError);
  CHECK(std::string(fftwVersion()).substr(0, 2) == "3.");
}
