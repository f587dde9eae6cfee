// Where the pixels of an image come from.
#pragma once

#include <cstdint>
#include <functional>

namespace otf::measure {

/// Columns [x0, x0+columns) of rows [y0, y0+rows) of an image to out[r*stride + c]; NaN = blank. Called by one thread at a time.
using ReadPixels =
    std::function<void(int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* out, int64_t stride)>;

struct ImagePixels {
  int64_t width = 0, height = 0;
  ReadPixels read;
};

}  // namespace otf::measure
