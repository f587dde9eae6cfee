// What was fitted, as an image; and what it leaves of the image.
#pragma once

#include <atomic>
#include <span>
#include <string>
#include <vector>

#include "detect/detector.h"
#include "detect/measuring.h"
#include "detect/tile_source.h"
#include "fits/fits.h"

namespace otf {

struct ModelFile {
  std::string path;
  Region region;
  std::vector<FitsKey> keys;
  /// The image, of which the model is taken away; none = the model itself. NaN stays NaN.
  ReadWindow image = {};
};

/// The sum of the fitted Gaussians over the region, as far as float32 tells of each. Band by band: memory is that of a few rows.
/// Throws kOutputUnwritable, kCancelled, and what reading throws.
void writeModelFile(const ModelFile& file, std::span<const MeasuredSource> sources,
                    const std::atomic<bool>* cancel);

}  // namespace otf
