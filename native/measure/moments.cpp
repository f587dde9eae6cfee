#include "measure/moments.h"

#include <cstddef>

#include "measure/reach.h"

namespace otf::measure {

Gaussian momentsOf(const FitPixels& pixels, const Gaussian& start, const Covariance& beam) {
  double sum = 0, x = 0, y = 0, xx = 0, xy = 0, yy = 0;
  for (size_t i = 0; i < pixels.count(); ++i) {
    const double v = pixels.values[i], dx = pixels.x[i] - start.x, dy = pixels.y[i] - start.y;
    if (!(v > 0) || !reaches(start, pixels.x[i], pixels.y[i])) continue;
    sum += v;
    x += v * dx;
    y += v * dy;
    xx += v * dx * dx;
    xy += v * dx * dy;
    yy += v * dy * dy;
  }
  if (!(sum > 0)) return {start.peak, start.x, start.y, beam};
  x /= sum;
  y /= sum;
  const Covariance shape{xx / sum - x * x, xy / sum - x * y, yy / sum - y * y};
  return {start.peak, start.x + x, start.y + y, shape.isPositive() ? shape : beam};
}

Gaussian leftOver(const FitPixels& pixels, const Gaussian& start, const Covariance& beam) {
  Gaussian one{0, start.x, start.y, beam};
  if (!fitPeaks(pixels, {&one, 1}) || !(one.peak > 0)) return one;
  return momentsOf(pixels, one, beam);
}

}  // namespace otf::measure
