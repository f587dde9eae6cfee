// Candidate boxes of one tile (docs/detection.md, step 5).
#pragma once

#include <cstdint>
#include <vector>

#include "detect/detector.h"
#include "model/network.h"

namespace otf {

/// The outermost cells of a tile see less than the others: what the network says there counts for less.
bool onEdge(int32_t cell, int gridSide);
float edgePenalised(float value);

/// The boxes of a tile that pass the thresholds, by row, column and prior, in pixels of the tile.
/// tile: [tilePx][tilePx] normalised pixels, as the network saw them.
/// output: the network's values of this tile, [boxes * (8+classes+parameters)][g][g], g = tilePx / gridElementPx;
/// planes of a box: edges x0,y0,z0,x1,y1,z1 in pixels of the tile, probability, objectness, classes, parameters.
/// Boxes with values that are not finite are never kept. Config and head must have passed checkDetectorConfig.
/// Thread-safe. Source: Cornu et al. 2024, A&A 690, A211, section 5, and CIANNA's SDC1 example.
std::vector<Box> selectBoxes(const DetectorConfig& config, const YoloHead& head, int32_t tileNumber,
                             const float* tile, const float* output);

}  // namespace otf
