// The restoring beam of an image header.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fits/fits.h"

namespace otf::fits {

/// From FitsInfo::cards: BMAJ, BMIN, BPA (degrees), else the last "HISTORY AIPS CLEAN BMAJ= BMIN= BPA=" line.
/// nullopt: the header names no beam, or what it names is none; detection needs none, so a warning says which card.
std::optional<Beam> readBeam(std::string_view cards, std::vector<std::string>& warnings);

}  // namespace otf::fits
