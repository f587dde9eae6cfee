// Where windows of one length lie along an axis, and what of each is kept, so that the network seems to have seen all of it.
#pragma once

#include <cstdint>
#include <vector>

namespace otf {

struct Window {
  int64_t start = 0;                   // of `size` elements of the axis
  int64_t keepStart = 0, keepEnd = 0;  // on the axis; every element is kept once
};

struct WindowPlan {
  int64_t size = 0;
  std::vector<Window> windows;
};

/// Windows inside [0, length), as few of at most `most` as there can be and no larger than needed. `margin`: elements an
/// output depends on to each side; what lies nearer to a cut is not kept. At the ends of the axis nothing is cut: there
/// the network pads as it does without windows. Throws kReconstructorConfig when `most` is not above 2 margins.
WindowPlan planWindows(int64_t length, int64_t most, int64_t margin);

}  // namespace otf
