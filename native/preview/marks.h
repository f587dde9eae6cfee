// Sources drawn on a picture.
#pragma once

#include <cstdint>
#include <vector>

#include "preview/colour.h"
#include "preview/render.h"

namespace otf::preview {

/// In pixels of the image, 0-based (the centre of the first FITS pixel is 0,0). An ellipse has the semi-axes a and b, with a
/// turned by angleDeg from +x towards +y; a box has half its width in a and half its height in b.
struct Mark {
  enum class Shape { kEllipse, kBox } shape = Shape::kEllipse;
  double x = 0, y = 0;
  double a = 0, b = 0, angleDeg = 0;
};

constexpr Colour kEllipseColour{64, 255, 128}, kBoxColour{255, 176, 32};

/// [height][width], the top row first.
struct ColourPicture {
  int width = 0, height = 0;
  std::vector<Colour> pixels;
};

ColourPicture coloured(const Picture& picture, const Palette& palette);

/// Lines one pixel wide, with soft edges. Semi-axes smaller than 4 pixels of the picture, or 6 of the image, are drawn that
/// large, half sides at least 2 of the picture. Marks with a number that is not finite are left out, as is what lies outside. `imageHeight`: of the plane.
void draw(ColourPicture& target, const std::vector<Mark>& marks, int64_t step, int64_t imageHeight);

}  // namespace otf::preview
