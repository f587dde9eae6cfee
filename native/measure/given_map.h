// A map of background or noise that somebody gave, read where it is asked for.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "measure/pixels.h"

namespace otf::measure {

/// Keeps a few bands of rows: sources are measured in bands of rows, too. Thread-safe, and reads one window at a time.
class GivenMap {
 public:
  /// `x`, `y`: the pixel of the image that the map's first one is.
  GivenMap(ImagePixels map, int64_t x, int64_t y);
  /// Of the pixel that is nearest to a place of the image, edges going on outside; NaN = blank. Throws what reading throws.
  double at(double x, double y) const;

 private:
  struct Band {
    int64_t number = -1;
    std::vector<float> pixels;
  };

  ImagePixels map_;
  int64_t x_, y_;
  mutable std::mutex mutex_;
  mutable std::vector<Band> bands_;  // band n lies at n % size
};

}  // namespace otf::measure
