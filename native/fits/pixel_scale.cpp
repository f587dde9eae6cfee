#include <cmath>

#include "fits/pixel_reader.h"

namespace otf::fits {

PixelScale readScale(const HeaderCards& header, const ScannedHdu& hdu, std::vector<std::string>& warnings) {
  PixelScale scale;
  scale.scale = header.real("BSCALE").value_or(1);
  scale.zero = header.real("BZERO").value_or(0);
  if (scale.scale == 0) warnings.push_back("BSCALE is 0: every pixel has the same value");
  // For integers only (FITS Standard 4.0, 4.4.2.5).
  if (hdu.bitpix < 0) return scale;
  if (const std::optional<double> blank = header.real("BLANK")) {
    constexpr double kMost = 9.2e18;
    if (*blank == std::trunc(*blank) && std::abs(*blank) < kMost) {
      scale.blank = static_cast<int64_t>(*blank);
    } else {
      warnings.push_back("BLANK is not a whole number and has no effect");
    }
  }
  return scale;
}

}  // namespace otf::fits
