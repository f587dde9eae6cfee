#include "engine/yolo_output.h"

#include <algorithm>
#include <cmath>

namespace otf {
namespace {

int64_t cells(const YoloGrid& grid) { return int64_t{grid.grid.w} * grid.grid.h * grid.grid.d; }

// min and max in the order CIANNA tests them, so that NaN passes through.
float limited(float x, const SlopeLimits& row) { return x > row.max ? row.max : (x < row.min ? row.min : x); }

void sigmoid(const SlopeLimits& row, float* values, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    values[i] = 1.0F / (1.0F + std::exp(limited(-row.slope * values[i], row)));
}

void linear(const SlopeLimits& row, float* values, int64_t count) {
  for (int64_t i = 0; i < count; ++i) values[i] = limited(row.slope * values[i], row);
}

}  // namespace

void activateYoloPlane(const YoloHead& head, int plane, float* values, int64_t count) {
  const int column = plane % head.planesPerBox();
  if (column < 3) {
    if (column < head.fitDim) {
      sigmoid(head.rows[kRowPosition], values, count);
    } else {
      std::fill_n(values, count, 0.5F);
    }
  } else if (column < 6) {
    if (column - 3 < head.fitDim) {
      linear(head.rows[kRowSize], values, count);
    } else {
      std::fill_n(values, count, 0.0F);
    }
  } else if (column == 6) {
    sigmoid(head.rows[kRowProbability], values, count);
  } else if (column == 7) {
    sigmoid(head.rows[kRowObjectness], values, count);
  } else if (column < 8 + head.classes) {
    if (!head.classSoftmax) sigmoid(head.rows[kRowClass], values, count);
  } else {
    linear(head.rows[kRowParameter], values, count);
  }
}

void softmaxClasses(const YoloHead& head, int box, float* item, int64_t count) {
  float* first = item + (int64_t{box} * head.planesPerBox() + 8) * count;
  for (int64_t i = 0; i < count; ++i) {
    float largest = first[i];
    for (int k = 1; k < head.classes; ++k) largest = std::max(largest, first[i + k * count]);
    float sum = 0;
    for (int k = 0; k < head.classes; ++k) {
      float& value = first[i + k * count];
      value = std::exp(value - largest);
      sum += value;
    }
    for (int k = 0; k < head.classes; ++k) first[i + k * count] /= sum;
  }
}

void yoloEdges(const YoloHead& head, const YoloGrid& grid, int box, float* item) {
  const int64_t count = cells(grid);
  float* first = item + int64_t{box} * head.planesPerBox() * count;
  // Integer division, as CIANNA: a tile that is no multiple of the grid has cells of the lower size.
  const int cell[3] = {grid.tile.w / grid.grid.w, grid.tile.h / grid.grid.h, grid.tile.d / grid.grid.d};
  const auto& prior = head.priors[static_cast<size_t>(box)];
  for (int axis = 0; axis < 3; ++axis) {
    float* lo = first + axis * count;
    float* hi = first + (axis + 3) * count;
    int64_t i = 0;
    for (int z = 0; z < grid.grid.d; ++z) {
      for (int y = 0; y < grid.grid.h; ++y) {
        for (int x = 0; x < grid.grid.w; ++x, ++i) {
          const int index = axis == 0 ? x : axis == 1 ? y : z;
          const float centre = (static_cast<float>(index) + lo[i]) * static_cast<float>(cell[axis]);
          const float half = 0.5F * prior[static_cast<size_t>(axis)] * std::exp(hi[i]);
          lo[i] = centre - half;
          hi[i] = centre + half;
        }
      }
    }
  }
}

void finishYolo(const YoloHead& head, const YoloGrid& grid, bool rawOutput, int firstBox, int lastBox,
                float* item) {
  const int64_t count = cells(grid);
  for (int box = firstBox; box < lastBox; ++box) {
    const int firstPlane = box * head.planesPerBox();
    for (int plane = firstPlane; plane < firstPlane + head.planesPerBox(); ++plane) {
      activateYoloPlane(head, plane, item + plane * count, count);
    }
    if (head.classSoftmax && head.classes > 0) softmaxClasses(head, box, item, count);
    if (!rawOutput) yoloEdges(head, grid, box, item);
  }
}

}  // namespace otf
