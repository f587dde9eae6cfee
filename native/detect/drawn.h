// How far the network's own values scatter over Monte Carlo draws (docs/detection.md): kept per box, told per source.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "detect/detector.h"
#include "detect/tiling.h"
#include "model/network.h"
#include "sky/wcs.h"

namespace otf {

/// Mean and standard deviation over the draws. NaN = unknown.
struct Spread {
  double mean, deviation;
};

/// Of a box as the network gave it: activated planes (8 + classes + parameters).
struct DrawnBox {
  int32_t prior, cell;
  std::vector<float> mean, deviation;
};

/// Of the boxes of one tile; mean[planes][cells], deviation[planes][cells] as the network has them.
std::vector<DrawnBox> drawnBoxes(const YoloHead& head, int gridSide, std::span<const Box> boxes,
                                 const float* mean, const float* deviation);

/// As Source, without what the catalogue does to a box (its least size). What is predicted as a logarithm (sizes, parameters of
/// scale log) has the geometric mean, and the deviation of the logarithm times that.
struct DrawnSource {
  Spread ra, dec;  // deg; deviations in arcsec, that of ra times cos Dec
  Spread x, y, width, height;
  Spread probability, objectness;
  std::vector<Spread> values;  // per ParameterSpec; NaN of cos and sin
  Spread pa;                   // of the sky, degrees
};

/// One for each of `sources`. `tiles`: by tile of the layout. `wcs` may be null.
std::vector<DrawnSource> drawnSources(const DetectorConfig& config, const YoloHead& head,
                                      const TileLayout& layout, std::span<const std::vector<DrawnBox>> tiles,
                                      std::span<const Source> sources, const Wcs* wcs);

}  // namespace otf
