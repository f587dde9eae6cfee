// Drawing sources at random, and painting them into a band of rows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "simulate/simulate.h"
#include "sky/gaussian.h"

namespace otf::simulate {

constexpr double kPixelArcsec = 0.604;
constexpr double kBeamArcsec = 1.5;  // FWHM, circular

/// A source after the beam: peak * exp(-(a dx^2 + 2 b dx dy + c dy^2) / 2), zero outside the box of half sides.
struct Blob {
  double x, y, peak;
  double a, b, c;
  double halfX, halfY;
};

struct Sources {
  SimulatedTruth truth;     // without raDeg, decDeg
  std::vector<Blob> blobs;  // same order
};

Sources drawSources(const SimulateSpec& spec);

/// For each band of `bandRows` rows, the sources that touch it, in order.
std::vector<std::vector<int32_t>> sourcesByBand(std::span<const Blob> blobs, int64_t sizePx,
                                                int64_t bandRows);

/// Adds one source to rows [row0, row0+rows) held in pixels[rows][sizePx].
void paint(const Blob& blob, int64_t sizePx, int64_t row0, int64_t rows, float* pixels);

}  // namespace otf::simulate
