#include "measure/peaks.h"

#include <algorithm>
#include <cmath>

#include "measure/squares.h"

namespace otf::measure {
namespace {

/// Two maxima of noise and sources that were convolved with a beam are further apart than this part of its FWHM.
constexpr double kClosestMaxima = 0.6;

double beamWidth(const Covariance& beam) {
  return kFwhmPerSigma * std::pow(std::max(beam.determinant(), 1e-12), 0.25);
}

/// Values above the background; not finite outside the window and where the image is blank.
class Relief {
 public:
  Relief(const NoiseMap& noise, const Window& window, double x, double y)
      : window_(window), background_(noise.backgroundAt(x, y)) {}
  double at(int64_t x, int64_t y) const {
    return window_.contains(x, y) ? window_.at(x, y) - background_ : std::nan("");
  }

 private:
  const Window& window_;
  double background_;
};

struct Pixel {
  int64_t x, y;
  double value;
};

Pixel brightestNear(const Relief& relief, double x, double y, double radius) {
  Pixel best{std::llround(x), std::llround(y), std::nan("")};
  for (int64_t py = std::llround(y - radius); py <= std::llround(y + radius); ++py) {
    for (int64_t px = std::llround(x - radius); px <= std::llround(x + radius); ++px) {
      const double value = relief.at(px, py);
      const double dx = static_cast<double>(px) - x, dy = static_cast<double>(py) - y;
      if (dx * dx + dy * dy > radius * radius || !std::isfinite(value)) continue;
      if (!(value <= best.value)) best = {px, py, value};
    }
  }
  return best;
}

/// As far as the box of the detection goes.
Pixel climb(const Relief& relief, const Detection& detection, Pixel from) {
  const double reachX = std::max(detection.width / 2, 1.0), reachY = std::max(detection.height / 2, 1.0);
  constexpr int kMostSteps = 64;
  for (int step = 0; step < kMostSteps; ++step) {
    Pixel best = from;
    for (int64_t y = from.y - 1; y <= from.y + 1; ++y) {
      for (int64_t x = from.x - 1; x <= from.x + 1; ++x) {
        if (std::abs(static_cast<double>(x) - detection.x) > reachX ||
            std::abs(static_cast<double>(y) - detection.y) > reachY)
          continue;
        const double value = relief.at(x, y);
        if (value > best.value) best = {x, y, value};
      }
    }
    if (best.x == from.x && best.y == from.y) break;
    from = best;
  }
  return from;
}

/// Half the width at half the height, along an axis: the smaller side, for the other may hold a neighbour.
double halfWidth(const Relief& relief, const Pixel& peak, int64_t stepX, int64_t stepY, double farthest) {
  double smaller = farthest;
  for (const int64_t sign : {-1, 1}) {
    double before = peak.value;
    for (int64_t n = 1; static_cast<double>(n) < smaller; ++n) {
      const double value = relief.at(peak.x + sign * n * stepX, peak.y + sign * n * stepY);
      if (!std::isfinite(value)) break;
      if (value <= peak.value / 2) {
        smaller = static_cast<double>(n) - (peak.value / 2 - value) / (before - value);
        break;
      }
      before = value;
    }
  }
  return smaller;
}

/// The peak between pixels, from the parabola through three.
double offset(double left, double centre, double right) {
  const double bend = left - 2 * centre + right;
  return std::isfinite(bend) && bend < 0 ? std::clamp((left - right) / (2 * bend), -0.5, 0.5) : 0;
}

}  // namespace

double peakReach(const Detection& detection) {
  return std::max({detection.width, detection.height, 2 * beamWidth(detection.beam)}) + 2;
}

Peak findPeak(const Detection& detection, const NoiseMap& noise, const Window& window) {
  const Relief relief(noise, window, detection.x, detection.y);
  const double width = beamWidth(detection.beam);
  Pixel pixel = brightestNear(relief, detection.x, detection.y, 0.6 * width + 0.5);
  if (std::isfinite(pixel.value)) pixel = climb(relief, detection, pixel);
  Peak peak;
  peak.x = pixel.x;
  peak.y = pixel.y;
  peak.found = pixel.value > 0;
  const double farthest = std::max({detection.width, detection.height, width});
  const double sigmaX = 2 * halfWidth(relief, pixel, 1, 0, farthest) / kFwhmPerSigma;
  const double sigmaY = 2 * halfWidth(relief, pixel, 0, 1, farthest) / kFwhmPerSigma;
  // Never narrower than the beam.
  const Covariance& beam = detection.beam;
  const double grow = std::max({1.0, sigmaX * sigmaX / beam.xx, sigmaY * sigmaY / beam.yy});
  const bool alike = grow < 1.2;
  peak.start = {
      pixel.value,
      static_cast<double>(pixel.x) +
          offset(relief.at(pixel.x - 1, pixel.y), pixel.value, relief.at(pixel.x + 1, pixel.y)),
      static_cast<double>(pixel.y) +
          offset(relief.at(pixel.x, pixel.y - 1), pixel.value, relief.at(pixel.x, pixel.y + 1)),
      alike ? beam : Covariance{std::max(sigmaX * sigmaX, beam.xx), 0, std::max(sigmaY * sigmaY, beam.yy)}};
  return peak;
}

std::vector<int32_t> findDuplicates(std::span<const Detection> detections, std::span<const Peak> peaks) {
  std::vector<int32_t> firsts(peaks.size(), -1);
  Squares seen(peaks.size());
  for (size_t i = 0; i < peaks.size(); ++i) {
    const Peak& peak = peaks[i];
    if (!peak.found) continue;
    const double closest = kClosestMaxima * beamWidth(detections[i].beam);
    const auto reach = static_cast<int64_t>(std::min(closest, 64.0));
    for (int64_t y = peak.y - reach; y <= peak.y + reach; ++y) {
      for (int64_t x = peak.x - reach; x <= peak.x + reach; ++x) {
        if (std::hypot(static_cast<double>(x - peak.x), static_cast<double>(y - peak.y)) > closest) continue;
        seen.in(x, y, [&](size_t found) {
          const auto other = static_cast<int32_t>(found);
          if (firsts[i] < 0 || other < firsts[i]) firsts[i] = other;
        });
      }
    }
    if (firsts[i] < 0) seen.add(peak.x, peak.y, i);
  }
  return firsts;
}

}  // namespace otf::measure
