// Noise maps as FITS images.
#pragma once

#include <string>
#include <vector>

#include "fits/fits.h"
#include "measure/noise_map.h"

namespace otf {

/// Keywords that place the box of an image on the sky, with its beam: those of the header, CRPIX moved by the box's corner.
/// Axes are renamed to 1 and 2.
std::vector<FitsKey> skyKeys(const FitsInfo& image, int64_t x, int64_t y);

/// And with the unit of the pixels, "" = not known.
std::vector<FitsKey> imageKeys(const FitsInfo& image, int64_t x, int64_t y, const std::string& unit);

enum class NoiseKind { kBackground, kRms };

/// The map over its box, in `unit`. Throws kOutputUnwritable.
void writeNoiseFile(const std::string& path, const measure::NoiseMap& noise, NoiseKind kind,
                    const FitsInfo& image, const std::string& unit);

}  // namespace otf
