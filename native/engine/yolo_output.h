// What CIANNA saves of a YOLO layer: activated planes, then box edges in pixels. Source: YOLO_activation_fct
// and the raw_output=0 branch of the output writer in CIANNA 1.0.
#pragma once

#include "model/network.h"

namespace otf {

/// The grid of a YOLO layer inside a tile.
struct YoloGrid {
  Extent tile, grid;
};

/// Activate one plane in place. `values`: plane `plane` of one item, grid.w*grid.h*grid.d values, W fastest.
/// Class planes of a softmax head are left alone: softmaxClasses() does them together.
void activateYoloPlane(const YoloHead& head, int plane, float* values, int64_t count);

/// Softmax over the class planes of box `box`, in place. `item`: all planes of one item.
void softmaxClasses(const YoloHead& head, int box, float* item, int64_t count);

/// Turn activated position and size planes of box `box` into edges: lo x,y,z then hi x,y,z, in pixels of the tile.
void yoloEdges(const YoloHead& head, const YoloGrid& grid, int box, float* item);

/// All of it for one item, by box [first, last).
void finishYolo(const YoloHead& head, const YoloGrid& grid, bool rawOutput, int firstBox, int lastBox,
                float* item);

}  // namespace otf
