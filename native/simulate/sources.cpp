#include "simulate/sources.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "simulate/random.h"

namespace otf::simulate {
namespace {

// N(>S) ~ S^-0.9 between these, and the sizes: models/demo-continuum/README.md; the spread of the axes as measured
// on the published example field (logarithm of the major axis: mean 0.234, deviation 0.54; ratio 0.4 to 1).
constexpr double kSlope = 0.9, kFaintestJy = 2.5e-6, kBrightestJy = 2e-3;
constexpr double kMajorArcsec = 1.265, kMajorSpread = 0.55, kSmallestArcsec = 0.3, kLargestArcsec = 12;
constexpr double kLeastAxisRatio = 0.4;
// Painting stops where a source is this far below the noise, so that its edge cannot be seen.
constexpr double kInvisible = 0.003;

struct Shape {
  double xx, xy, yy;  // covariance, pixels squared
};

Shape covariance(double majorArcsec, double minorArcsec, double angleDeg) {
  const double scale = 1 / (kPixelArcsec * kFwhmPerSigma);
  const double major = majorArcsec * scale, minor = minorArcsec * scale, beam = kBeamArcsec * scale;
  const double angle = angleDeg * std::numbers::pi / 180, c = std::cos(angle), s = std::sin(angle);
  // Variances add under convolution.
  return {major * major * c * c + minor * minor * s * s + beam * beam,
          (major * major - minor * minor) * c * s,
          major * major * s * s + minor * minor * c * c + beam * beam};
}

Blob blobOf(double x, double y, double fluxJy, const Shape& shape, double noise) {
  const double determinant = shape.xx * shape.yy - shape.xy * shape.xy;
  const double beamSigma = kBeamArcsec / (kPixelArcsec * kFwhmPerSigma);
  // Jy/beam: a point source of flux S peaks at S; spreading lowers the peak by the ratio of the areas.
  const double peak = fluxJy * beamSigma * beamSigma / std::sqrt(determinant);
  const double sigmas = std::sqrt(std::max(2 * std::log(peak / (kInvisible * noise)), 9.0));
  return {x,
          y,
          peak,
          shape.yy / determinant,
          -shape.xy / determinant,
          shape.xx / determinant,
          sigmas * std::sqrt(shape.xx),
          sigmas * std::sqrt(shape.yy)};
}

double fluxAt(double u) {
  const double faint = std::pow(kFaintestJy, -kSlope), bright = std::pow(kBrightestJy, -kSlope);
  return std::pow(faint + u * (bright - faint), -1 / kSlope);
}

}  // namespace

Sources drawSources(const SimulateSpec& spec) {
  const auto size = static_cast<double>(spec.sizePx);
  const auto count = static_cast<size_t>(std::llround(spec.density * size * size));
  Sources out;
  SimulatedTruth& truth = out.truth;
  for (std::vector<double>* column : {&truth.x, &truth.y, &truth.fluxJy, &truth.bmajArcsec, &truth.bminArcsec,
                                      &truth.paPixelDeg, &truth.peakSnr}) {
    column->reserve(count);
  }
  out.blobs.reserve(count);
  const uint64_t key = mix(spec.seed, 0x736f7572636573);  // apart from the noise
  for (size_t i = 0; i < count; ++i) {
    const auto draw = [&](uint64_t n) { return uniform(mix(key, i * 8 + n)); };
    const double x = draw(0) * size - 0.5, y = draw(1) * size - 0.5;
    const double flux = fluxAt(draw(2));
    const double normal = std::sqrt(-2 * std::log(draw(3))) * std::cos(2 * std::numbers::pi * draw(4));
    const double major =
        std::clamp(kMajorArcsec * std::exp(kMajorSpread * normal), kSmallestArcsec, kLargestArcsec);
    const double minor = major * (kLeastAxisRatio + (1 - kLeastAxisRatio) * draw(5));
    const double angle = draw(6) * 180 - 90;
    const Blob blob = blobOf(x, y, flux, covariance(major, minor, angle), spec.noiseJyBeam);
    truth.x.push_back(x);
    truth.y.push_back(y);
    truth.fluxJy.push_back(flux);
    truth.bmajArcsec.push_back(major);
    truth.bminArcsec.push_back(minor);
    truth.paPixelDeg.push_back(angle);
    truth.peakSnr.push_back(blob.peak / spec.noiseJyBeam);
    out.blobs.push_back(blob);
  }
  return out;
}

std::vector<std::vector<int32_t>> sourcesByBand(std::span<const Blob> blobs, int64_t sizePx,
                                                int64_t bandRows) {
  const int64_t bands = (sizePx + bandRows - 1) / bandRows;
  std::vector<std::vector<int32_t>> lists(static_cast<size_t>(bands));
  for (size_t i = 0; i < blobs.size(); ++i) {
    const auto low =
        static_cast<int64_t>(std::floor((blobs[i].y - blobs[i].halfY) / static_cast<double>(bandRows)));
    const auto high =
        static_cast<int64_t>(std::floor((blobs[i].y + blobs[i].halfY) / static_cast<double>(bandRows)));
    for (int64_t band = std::max<int64_t>(low, 0); band <= std::min(high, bands - 1); ++band) {
      lists[static_cast<size_t>(band)].push_back(static_cast<int32_t>(i));
    }
  }
  return lists;
}

void paint(const Blob& blob, int64_t sizePx, int64_t row0, int64_t rows, float* pixels) {
  const auto ceiling = [](double v) { return static_cast<int64_t>(std::ceil(v)); };
  const auto floor = [](double v) { return static_cast<int64_t>(std::floor(v)); };
  const int64_t y0 = std::max(ceiling(blob.y - blob.halfY), row0);
  const int64_t y1 = std::min(floor(blob.y + blob.halfY), row0 + rows - 1);
  const int64_t x0 = std::max<int64_t>(ceiling(blob.x - blob.halfX), 0);
  const int64_t x1 = std::min(floor(blob.x + blob.halfX), sizePx - 1);
  for (int64_t y = y0; y <= y1; ++y) {
    float* row = pixels + (y - row0) * sizePx;
    const double dy = static_cast<double>(y) - blob.y;
    for (int64_t x = x0; x <= x1; ++x) {
      const double dx = static_cast<double>(x) - blob.x;
      const double power = -0.5 * (blob.a * dx * dx + 2 * blob.b * dx * dy + blob.c * dy * dy);
      row[x] += static_cast<float>(blob.peak * std::exp(power));
    }
  }
}

}  // namespace otf::simulate
