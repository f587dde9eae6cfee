// A plane from its first FITS row to its last, in bands that fit in memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "fits/fits.h"
#include "preview/reduce.h"

namespace otf::preview {

/// Calls visit(first row, rows, values): values[rows][width]. Throws as FitsImage::readWindow.
template <typename Visit>
void eachBand(FitsImage& image, Visit visit) {
  const FitsInfo& info = image.info();
  const int64_t high = std::clamp<int64_t>(kBandPx / info.width, 1, info.height);
  std::vector<float> band(static_cast<size_t>(high * info.width));
  for (int64_t y = 0; y < info.height; y += high) {
    const int64_t rows = std::min(high, info.height - y);
    image.readWindow(0, y, info.width, rows, band.data(), info.width);
    visit(y, rows, band.data());
  }
}

}  // namespace otf::preview
