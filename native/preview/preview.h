// A small grey picture of an image plane, for people.
#pragma once

#include <cstdint>
#include <vector>

#include "fits/fits.h"

namespace otf {

/// Row 0 is the top: the last FITS row, as astronomers look at images.
struct PreviewPicture {
  int width = 0, height = 0;
  double scale = 1;           // image pixels per picture pixel
  std::vector<uint8_t> grey;  // [height][width]
};

/// The whole plane averaged down so that its longest side is at most maxPx (16 to 8192), then an asinh
/// stretch between the 1st and the 99.7th percentile; blanks are black. Reads band by band. Throws
/// kInvalidArgument, as readWindow.
PreviewPicture renderPreview(FitsImage& image, int maxPx);

}  // namespace otf
