// Background and noise are what went into the pixels.
#include "measure/noise_map.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "error/error.h"

namespace otf::measure {
namespace {

/// Noise of deviation 1, correlated over a beam of so many pixels (FWHM): white noise convolved with the beam.
std::vector<float> beamNoise(int64_t width, int64_t height, double beamPx, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> from(static_cast<size_t>(width * height)), across(from.size());
  for (float& value : from) value = normal(random);
  const double sigma = beamPx / 2.3548;
  const auto reach = static_cast<int64_t>(std::ceil(4 * sigma));
  std::vector<double> kernel;
  double squares = 0;
  for (int64_t i = -reach; i <= reach; ++i) {
    kernel.push_back(std::exp(-0.5 * static_cast<double>(i * i) / (sigma * sigma)));
    squares += kernel.back() * kernel.back();
  }
  const auto pass = [&](const std::vector<float>& in, std::vector<float>& out, int64_t stepX, int64_t stepY) {
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x) {
        double sum = 0;
        for (int64_t i = -reach; i <= reach; ++i) {
          // Wrapped around, so that the edges are like the rest.
          const int64_t px = (x + i * stepX + width) % width, py = (y + i * stepY + height) % height;
          sum += kernel[static_cast<size_t>(i + reach)] * in[static_cast<size_t>(py * width + px)];
        }
        out[static_cast<size_t>(y * width + x)] = static_cast<float>(sum / std::sqrt(squares));
      }
    }
  };
  pass(from, across, 1, 0);
  pass(across, from, 0, 1);
  return from;
}

NoiseMap mapOf(const std::vector<float>& pixels, int64_t width, int64_t height, double beamPx,
               int64_t rowsAtOnce = 7) {
  NoiseMapper mapper(layoutCells(0, 0, width, height, beamPx));
  for (int64_t y = 0; y < height; y += rowsAtOnce)
    mapper.add(pixels.data() + y * width, std::min(rowsAtOnce, height - y));
  return mapper.finish();
}

double truthRms(int64_t x, int64_t y, int64_t size) {
  return 1e-5 * (1 + static_cast<double>(x) / static_cast<double>(size) +
                 0.5 * static_cast<double>(y) / static_cast<double>(size));
}

TEST_CASE("pure noise with gradients: within 3 per cent of the truth") {
  constexpr int64_t kSize = 1024;
  std::vector<float> pixels = beamNoise(kSize, kSize, 2.5, 7);
  const auto background = [](int64_t x) { return 3e-5 * static_cast<double>(x) / kSize; };
  for (int64_t y = 0; y < kSize; ++y) {
    for (int64_t x = 0; x < kSize; ++x) {
      float& value = pixels[static_cast<size_t>(y * kSize + x)];
      value = static_cast<float>(value * truthRms(x, y, kSize) + background(x));
    }
  }
  const NoiseMap map = mapOf(pixels, kSize, kSize, 2.5);
  double squares = 0, worstBackground = 0;
  int64_t within = 0, count = 0;
  for (int64_t y = 8; y < kSize; y += 16) {
    for (int64_t x = 8; x < kSize; x += 16) {
      const NoiseMap::Value found = map.at(static_cast<double>(x), static_cast<double>(y));
      const double relative = found.rms / truthRms(x, y, kSize) - 1;
      squares += relative * relative;
      within += std::abs(relative) < 0.03 ? 1 : 0;
      ++count;
      worstBackground =
          std::max(worstBackground, std::abs(found.background - background(x)) / truthRms(x, y, kSize));
    }
  }
  CHECK(std::sqrt(squares / static_cast<double>(count)) < 0.02);
  CHECK(static_cast<double>(within) / static_cast<double>(count) > 0.95);
  CHECK(worstBackground < 0.3);
}

TEST_CASE("bright sources and an extended one leave the noise as it is") {
  constexpr int64_t kSize = 512;
  const std::vector<float> quiet = beamNoise(kSize, kSize, 2.5, 3);
  std::vector<float> pixels = quiet;
  const auto add = [&](double cx, double cy, double peak, double sigma) {
    for (int64_t y = 0; y < kSize; ++y) {
      for (int64_t x = 0; x < kSize; ++x) {
        const double dx = static_cast<double>(x) - cx, dy = static_cast<double>(y) - cy;
        pixels[static_cast<size_t>(y * kSize + x)] +=
            static_cast<float>(peak * std::exp(-0.5 * (dx * dx + dy * dy) / (sigma * sigma)));
      }
    }
  };
  for (int i = 0; i < 60; ++i) add((i * 197) % kSize, (i * 331) % kSize, 50, 1.1);
  add(256, 256, 1000, 8);
  const NoiseMap before = mapOf(quiet, kSize, kSize, 2.5), after = mapOf(pixels, kSize, kSize, 2.5);
  for (const auto& [x, y] : {std::pair{256.0, 256.0}, {230.0, 300.0}, {60.0, 60.0}}) {
    CHECK(after.at(x, y).rms == doctest::Approx(before.at(x, y).rms).epsilon(0.08));
    CHECK(std::abs(after.at(x, y).background - before.at(x, y).background) < 0.2);
  }
}

TEST_CASE("blank pixels, padding and images smaller than a cell") {
  constexpr int64_t kSize = 256;
  std::vector<float> pixels = beamNoise(kSize, kSize, 2.5, 5);
  for (int64_t y = 0; y < kSize; ++y) {
    for (int64_t x = 0; x < 128; ++x)
      pixels[static_cast<size_t>(y * kSize + x)] = y < 128 ? std::numeric_limits<float>::quiet_NaN() : 0.0F;
  }
  const NoiseMap map = mapOf(pixels, kSize, kSize, 2.5);
  CHECK(map.at(200, 100).rms == doctest::Approx(1).epsilon(0.1));
  // Nothing there tells: the nearest that does.
  CHECK(map.at(30, 30).rms == doctest::Approx(1).epsilon(0.15));
  const std::vector<float> small = beamNoise(20, 10, 2.5, 1);
  CHECK(mapOf(small, 20, 10, 2.5).at(3, 3).rms == doctest::Approx(1).epsilon(0.5));
  const std::vector<float> nothing(400, std::numeric_limits<float>::quiet_NaN());
  CHECK(std::isnan(mapOf(nothing, 20, 20, 2.5).at(3, 3).rms));
}

TEST_CASE("the map does not depend on how many rows come at once, and asks for all of them") {
  constexpr int64_t kWidth = 150, kHeight = 200;
  const std::vector<float> pixels = beamNoise(kWidth, kHeight, 2.5, 9);
  const NoiseMap one = mapOf(pixels, kWidth, kHeight, 2.5, 1),
                 all = mapOf(pixels, kWidth, kHeight, 2.5, kHeight);
  for (int64_t y = 0; y < kHeight; y += 13)
    CHECK(one.at(70, static_cast<double>(y)).rms == all.at(70, static_cast<double>(y)).rms);
  std::vector<float> background(kWidth), rms(kWidth);
  all.rows(5, 1, background.data(), rms.data());
  CHECK(rms[70] == static_cast<float>(all.at(70, 5).rms));
  NoiseMapper short_(layoutCells(0, 0, kWidth, kHeight, 2.5));
  short_.add(pixels.data(), 3);
  CHECK_THROWS_AS(short_.finish(), OtfError);
}

TEST_CASE("how noise is correlated: the beam's, a narrower kernel, and a part of each pixel's own") {
  constexpr int64_t kSize = 600;
  const auto shapeOf = [&](const std::vector<float>& pixels, double beamPx) {
    return noiseShape(mapOf(pixels, kSize, kSize, beamPx).correlation(), covarianceOf({beamPx, beamPx, 0}));
  };
  const auto widthOf = [](const NoiseShape& shape) { return kFwhmPerSigma * std::sqrt(shape.kernel.xx); };
  for (const double beam : {2.5, 6.0}) {
    std::vector<float> pixels = beamNoise(kSize, kSize, beam, 13);
    // Sources, and a background, are none of the noise.
    for (size_t i = 0; i < pixels.size(); i += 997) pixels[i] += 100;
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] += 0.001F * static_cast<float>(i) / kSize;
    const NoiseShape own = shapeOf(pixels, beam);
    // Few beams fit into the image where they are large.
    const double tolerance = beam < 3 ? 0.04 : 0.12;
    CHECK(widthOf(own) == doctest::Approx(beam).epsilon(tolerance));
    CHECK(own.white < 0.04);
    CHECK(widthOf(shapeOf(pixels, beam / 0.8)) == doctest::Approx(beam).epsilon(tolerance));
  }
  std::vector<float> pixels = beamNoise(kSize, kSize, 2.5, 17);
  std::mt19937 random(19);
  std::normal_distribution<float> normal;
  for (float& value : pixels) value = std::sqrt(0.8F) * value + std::sqrt(0.2F) * normal(random);
  CHECK(shapeOf(pixels, 2.5).white == doctest::Approx(0.2).epsilon(0.15));
  for (float& value : pixels) value = normal(random);
  CHECK(shapeOf(pixels, 2.5).white == 0.5);
  // Nothing is known of few cells, nor of no beam.
  CHECK(noiseShape({}, covarianceOf({2.5, 2.5, 0})).white == NoiseShape{}.white);
  CHECK(mapOf(beamNoise(40, 40, 2.5, 1), 40, 40, 2.5).correlation().lagPx == 0);
  CHECK(mapOf(beamNoise(600, 200, 2.5, 1), 600, 200, 0).correlation().lagPx == 0);
}

TEST_CASE("clipped statistics: a Gaussian with a tenth of outliers") {
  std::mt19937 random(11);
  std::normal_distribution<float> normal(2, 0.5);
  std::vector<float> values;
  for (int i = 0; i < 20000; ++i) values.push_back(i % 10 == 0 ? 50.0F : normal(random));
  const ClippedStatistics found = clippedStatistics(values);
  CHECK(found.centre == doctest::Approx(2).epsilon(0.01));
  CHECK(found.deviation == doctest::Approx(0.5).epsilon(0.02));
  std::vector<float> few(15, 1.0F);
  CHECK(std::isnan(clippedStatistics(few).centre));
}

}  // namespace
}  // namespace otf::measure
