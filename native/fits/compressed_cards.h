// The header of a compressed image as that of the image itself.
#pragma once

#include <string>

#include "fits/header_scan.h"

namespace otf::fits {

/// 80-character cards, END included: the image's own size and type (FITS Standard 4.0, 10.1.1), then every card but
/// those that describe the table and its compression. No pixel is touched.
std::string imageCards(const HeaderCards& table, const ScannedHdu& hdu);

}  // namespace otf::fits
