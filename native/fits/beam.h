// The restoring beam of an image header.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fits/fits.h"

namespace otf::fits {

/// From 80-character cards: BMAJ, BMIN, BPA (degrees), else the last "HISTORY AIPS CLEAN BMAJ= BMIN= BPA="
/// line. nullopt: the header names no beam. Throws kBeamInvalid when it does and the values are not usable.
std::optional<Beam> readBeam(std::string_view cards, const std::string& label,
                             std::vector<std::string>& warnings);

}  // namespace otf::fits
