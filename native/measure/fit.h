// Least-squares fits of Gaussians to pixels, several at once.
#pragma once

#include <span>
#include <vector>

#include "measure/shape.h"

namespace otf::measure {

struct Gaussian {
  double peak = 0, x = 0, y = 0;  // pixels
  Covariance shape;               // pixels squared

  double at(double px, double py) const;
};

/// Pixels of a fit, less their background.
struct FitPixels {
  std::vector<double> x, y, values;
  size_t count() const { return x.size(); }
  void clear();
};

struct FitOutcome {
  bool converged = false;
  int evaluations = 0;
  double squares = 0;  // sum of squared residuals
};

/// Fits all of `gaussians` together, all pixels with one weight; `freeShape[i]`: axes and angle too, else peak and place. What
/// they are at the start is where it starts; they are the result if it converged, and as they were if not. At most
/// kMostEvaluations of the model. `scale`: size of a pixel's noise, for the stopping rules. Not enough pixels, or shapes that
/// are none: not converged.
/// Levenberg's and Marquardt's steps with the derivatives in closed form: by the normal equations first, by MINPACK's lmder (More
/// 1978) where those do not lead to the end.
constexpr int kMostEvaluations = 60;
FitOutcome fitGaussians(const FitPixels& pixels, double scale, std::span<Gaussian> gaussians,
                        std::span<const bool> freeShape);

/// Peaks alone, at places and of shapes that are known: a linear problem. False: it has no one solution.
bool fitPeaks(const FitPixels& pixels, std::span<Gaussian> gaussians);

}  // namespace otf::measure
