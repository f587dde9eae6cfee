#include "detect/quality/mocks.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "measure/fit.h"
#include "measure/sky_values.h"

namespace otf::quality {
namespace {

constexpr double kBeamsApart = 12, kBeamsBetween = 6;
constexpr int64_t kSmallestCellPx = 32;
/// Where a Gaussian has fallen to 2^-24 of its peak, in standard deviations.
const double kReachSigmas = std::sqrt(2 * 24 * std::log(2.0));

/// The same numbers whatever the library: distributions of the standard differ.
double uniform(std::mt19937_64& random) { return static_cast<double>(random() >> 11) * 0x1p-53; }

measure::Covariance sum(const measure::Covariance& a, const measure::Covariance& b) {
  return {a.xx + b.xx, a.xy + b.xy, a.yy + b.yy};
}

/// Its shape, and the peak that is left of its flux. `beam` in pixels.
void shapeAs(const MockKind& kind, double angleDeg, const measure::Covariance& beam,
             const measure::Map& toSky, Mock& mock) {
  const measure::Covariance own = measure::covarianceOf({kind.major, kind.minor, angleDeg});
  mock.shape = sum(beam, toSky.inverse().apply(own));
  mock.peak = kind.flux * std::sqrt(beam.determinant() / mock.shape.determinant());
}

}  // namespace

std::vector<Mock> placeMocks(const HeaderReview& header, const Region& area, double beamPx, uint64_t seed,
                             std::span<const MockKind> kinds) {
  std::vector<Mock> mocks;
  std::mt19937_64 random(seed);
  const int64_t cell = std::max<int64_t>(kSmallestCellPx, std::llround(kBeamsApart * beamPx));
  const double play = std::max(0.0, static_cast<double>(cell) - kBeamsBetween * beamPx);
  const double span = std::log(kBrightestSnr / kFaintestSnr);
  for (int64_t row = 0; row < area.height / cell; ++row) {
    for (int64_t column = 0; column < area.width / cell; ++column) {
      const auto place = [&](int64_t begin, int64_t number) {
        return static_cast<double>(begin + number * cell) + static_cast<double>(cell - 1) / 2 +
               play * (uniform(random) - 0.5);
      };
      Mock mock;
      mock.x = place(area.x, column);
      mock.y = place(area.y, row);
      const double drawn = uniform(random);
      const double angleDeg = kinds.empty() ? 0 : 180 * uniform(random);
      const auto toSky = measure::skyMapAt(*header.wcs, mock.x, mock.y);
      if (!toSky) continue;
      const measure::Covariance beam = measure::beamInPixels(*header.info.beam, *toSky);
      if (!beam.isPositive()) continue;
      if (kinds.empty()) {
        mock.snr = kFaintestSnr * std::exp(span * drawn);
        mock.shape = beam;
      } else {
        const auto number = static_cast<size_t>(drawn * static_cast<double>(kinds.size()));
        shapeAs(kinds[number], angleDeg, beam, *toSky, mock);
      }
      mocks.push_back(mock);
    }
  }
  return mocks;
}

void setPeaks(const measure::NoiseMap& noise, std::vector<Mock>& mocks) {
  for (Mock& mock : mocks) {
    const double rms = noise.at(mock.x, mock.y).rms;
    if (!(rms > 0)) {
      mock.peak = 0;
    } else if (mock.peak > 0) {
      mock.snr = mock.peak / rms;
    } else {
      mock.peak = mock.snr * rms;
    }
  }
}

void addMocks(std::vector<Mock>& mocks, int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* pixels,
              int64_t stride) {
  for (Mock& mock : mocks) {
    const double reachX = kReachSigmas * std::sqrt(mock.shape.xx),
                 reachY = kReachSigmas * std::sqrt(mock.shape.yy);
    const auto left = std::max(x0, static_cast<int64_t>(std::ceil(mock.x - reachX)));
    const auto right = std::min(x0 + columns - 1, static_cast<int64_t>(std::floor(mock.x + reachX)));
    const auto bottom = std::max(y0, static_cast<int64_t>(std::ceil(mock.y - reachY)));
    const auto top = std::min(y0 + rows - 1, static_cast<int64_t>(std::floor(mock.y + reachY)));
    if (left > right || bottom > top) continue;
    const int64_t px = std::llround(mock.x), py = std::llround(mock.y);
    if (px >= left && px <= right && py >= bottom && py <= top) {
      const float below = pixels[(py - y0) * stride + px - x0];
      if (!std::isfinite(below) || below == 0) mock.isBlank = true;
    }
    const measure::Gaussian source{mock.peak, mock.x, mock.y, mock.shape};
    for (int64_t y = bottom; y <= top; ++y) {
      float* row = pixels + (y - y0) * stride - x0;
      for (int64_t x = left; x <= right; ++x) {
        if (row[x] == 0) continue;  // padding of mosaics is no sky
        row[x] = static_cast<float>(row[x] + source.at(static_cast<double>(x), static_cast<double>(y)));
      }
    }
  }
}

}  // namespace otf::quality
