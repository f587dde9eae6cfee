// An image's rows in bands, several at once, each read once.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "measure/measure.h"

namespace otf::measure {

/// Pixels of a window of the image, as they were read.
struct Window {
  int64_t x0 = 0, y0 = 0, columns = 0, rows = 0;
  const float* pixels = nullptr;

  bool contains(int64_t x, int64_t y) const {
    return x >= x0 && y >= y0 && x < x0 + columns && y < y0 + rows;
  }
  float at(int64_t x, int64_t y) const { return pixels[(y - y0) * columns + (x - x0)]; }
};

/// What a piece of work needs of the image, edges included on both sides; cut to the image when it is read.
struct Extent2 {
  int64_t left = 0, right = -1, bottom = 0, top = -1;

  static Extent2 around(double x, double y, double reachX, double reachY);
  void include(const Extent2& other);
};

/// Work on items, those whose extents lie in neighbouring rows together: `work(items, window)` from any thread, `window` holding
/// all that their extents name of the image. Which items come together does not depend on the number of threads.
/// Throws kCancelled, and what reading and working throw first.
void overBands(const ImagePixels& image, std::span<const Extent2> extents, int threads,
               const std::atomic<bool>* cancel,
               const std::function<void(std::span<const size_t> items, const Window& window)>& work);

}  // namespace otf::measure
