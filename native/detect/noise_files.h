// Noise maps as FITS images.
#pragma once

#include <string>
#include <vector>

#include "fits/fits.h"
#include "measure/noise_map.h"

namespace otf {

/// Keywords of a box of the image, whose corner is at x, y: where it is on the sky (sky/sky_keys.h), beam, telescope, date, and the
/// unit of its pixels, "" = not known.
std::vector<FitsKey> imageKeys(const FitsInfo& image, int64_t x, int64_t y, const std::string& unit);

enum class NoiseKind { kBackground, kRms };

/// The map over its box, in `unit`. Throws kOutputUnwritable.
void writeNoiseFile(const std::string& path, const measure::NoiseMap& noise, NoiseKind kind,
                    const FitsInfo& image, const std::string& unit);

}  // namespace otf
