// Whether a light curve changes.
// Source: Swinbank et al. 2015 (A&C 11, 25), section 5.2: V (equation 5) and eta (equation 6).
#pragma once

#include <span>

namespace otf {

struct Variability {
  double v = 0;          // deviation over mean; NaN unless the mean is above 3 of its errors
  double eta = 0;        // reduced chi^2 of a constant
  double pConstant = 1;  // chance of a chi^2 this large or larger if it were constant
  /// Chance that in a constant flux any run of 1, 2, 4, ... frames (at most half of them) differs from the others by as much as
  /// the most unlikely one does: a chance of a single run times their number. Short changes among many frames show here.
  double pRun = 1;
  double mean = 0, meanError = 0;  // weighted
};

/// At least 2 values, each with a positive error; those that are NaN do not count. Fewer: NaN.
Variability variabilityOf(std::span<const double> flux, std::span<const double> error);

/// Chance that chi^2 of `degrees` >= 1 degrees of freedom is above `x`.
/// Source: Abramowitz & Stegun 26.4.4 (odd) and 26.4.5 (even): finite sums.
double chiSquareSurvival(double x, int degrees);

}  // namespace otf
