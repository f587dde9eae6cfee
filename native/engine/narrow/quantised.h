// Maps in unsigned 8 bits: each channel has a range of its own.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/strips/layer.h"

namespace otf::narrow {

/// value = scale * (byte - zero): zero is a byte as well, so that what lies around a map is exact.
struct Quantised {
  std::vector<float> scale;
  std::vector<uint8_t> zero;
  // For vectors: 1 / scale, and zero; up to whole pairs of tiles.
  std::vector<float> inverse, zeros;

  /// The ranges, widened to hold 0, become bytes 0 to 255.
  Quantised(std::span<const float> low, std::span<const float> high);
  int channels() const { return static_cast<int>(scale.size()); }
};

/// `pixels` pixels to bytes: the nearest, even where two are as near; what is beyond a range becomes its end, NaN its upper
/// one. Needs AVX-512.
void quantise(const Quantised& how, const char* from, strips::Values values, int pixels, char* to);

}  // namespace otf::narrow
