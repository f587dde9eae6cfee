#include "engine/moments.h"

#include <cmath>
#include <string>

#include "error/error.h"

namespace otf {

void requireRepeats(int repeats) {
  if (repeats < 2)
    throw OtfError(Code::kInvalidArgument,
                   "MC_MODEL needs at least 2 repeats, got " + std::to_string(repeats));
}

void Moments::add(const float* outputs) {
  ++count_;
  for (size_t i = 0; i < means_.size(); ++i) {
    const double distance = outputs[i] - means_[i];
    means_[i] += distance / count_;
    squares_[i] += distance * (outputs[i] - means_[i]);
  }
}

void Moments::write(float* mean, float* deviation) const {
  for (size_t i = 0; i < means_.size(); ++i) {
    mean[i] = static_cast<float>(means_[i]);
    deviation[i] = static_cast<float>(std::sqrt(squares_[i] / (count_ - 1)));
  }
}

}  // namespace otf
