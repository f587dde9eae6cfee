// Mean and standard deviation of repeated outputs, value by value: what every engine makes of its MC_MODEL passes.
#pragma once

#include <cstddef>
#include <vector>

namespace otf {

/// Throws kInvalidArgument: fewer than two passes have no deviation.
void requireRepeats(int repeats);

/// Welford's update: one pass over the repeats, no cancellation.
class Moments {
 public:
  explicit Moments(size_t values) : means_(values, 0.0), squares_(values, 0.0) {}
  void add(const float* outputs);
  /// Of all that were added, two at least; the deviation with n-1.
  void write(float* mean, float* deviation) const;

 private:
  std::vector<double> means_, squares_;
  int count_ = 0;
};

}  // namespace otf
