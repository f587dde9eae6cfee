// Which part of the detections of an SNR is false, from those in the image upside down (docs/quality.md).
#pragma once

#include <span>

namespace otf::quality {

/// Part of one, with an interval of one sigma.
struct FalsePart {
  double value = 0, low = 0, high = 0;
};

/// A smooth curve that does not rise towards brighter detections: 1/(1 + exp(-(a + b SNR))), b <= 0, in which as many of the
/// detections are false as were found upside down, with the same mean SNR. Bins of their own would each have the noise of a
/// few counts, and joining them until they fall takes from the brighter of two what it gives to the fainter.
class FalseFraction {
 public:
  /// SNRs that are finite. `sampled`: part of the searched pixels that was turned.
  FalseFraction(std::span<const double> found, std::span<const double> negative, double sampled);

  /// Without negatives: none, and less than what a Poisson number of none may hide (Gehrels 1986).
  FalsePart at(double snr) const;

 private:
  void fit(std::span<const double> found, std::span<const double> negative, double weight);
  void judge(std::span<const double> found, std::span<const double> negative, double weight);

  double level_ = 0, slope_ = 0;  // at kCentre
  double levelVariance_ = 0, slopeVariance_ = 0, covariance_ = 0;
  bool none_ = false;
  double most_ = 0;  // with none
};

}  // namespace otf::quality
