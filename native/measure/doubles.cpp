#include "measure/doubles.h"

#include <cmath>
#include <vector>

#include "measure/derivatives.h"

namespace otf::measure {

DoublePair closestPair(std::span<const Gaussian> fits, double limit) {
  DoublePair pair;
  for (size_t k = 0; k < fits.size(); ++k) {
    for (size_t l = k + 1; l < fits.size(); ++l) {
      const double apart = std::hypot(fits[k].x - fits[l].x, fits[k].y - fits[l].y);
      if (!(apart < limit)) continue;
      limit = apart;
      pair = fits[k].peak >= fits[l].peak ? DoublePair{k, l} : DoublePair{l, k};
    }
  }
  return pair;
}

Gaussian joined(const Gaussian& a, const Gaussian& b) {
  const double fluxA = a.peak * std::sqrt(a.shape.determinant()),
               fluxB = b.peak * std::sqrt(b.shape.determinant());
  const double u = fluxA / (fluxA + fluxB), v = 1 - u, dx = a.x - b.x, dy = a.y - b.y;
  const Covariance shape{u * a.shape.xx + v * b.shape.xx + u * v * dx * dx,
                         u * a.shape.xy + v * b.shape.xy + u * v * dx * dy,
                         u * a.shape.yy + v * b.shape.yy + u * v * dy * dy};
  return {(fluxA + fluxB) / std::sqrt(shape.determinant()), u * a.x + v * b.x, u * a.y + v * b.y, shape};
}

double sumOfSquares(const FitPixels& pixels, std::span<const Gaussian> fits) {
  std::vector<double> left = pixels.values;
  for (const Gaussian& fit : fits) subtract(fit, pixels, left);
  double sum = 0;
  for (const double value : left) sum += value * value;
  return sum;
}

}  // namespace otf::measure
