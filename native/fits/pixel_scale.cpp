#include "fits/header_values.h"
#include "fits/pixel_reader.h"

namespace otf::fits {

namespace {

/// Absent and undefined are one (FITS Standard 4.0, 4.1.2.3). Throws when it is there and no number: then no pixel is known.
std::optional<double> number(const HeaderCards& header, const ScannedHdu& hdu, const char* keyword) {
  const CardValue value = findValue(hdu.cards, keyword);
  if (value.kind == CardValue::Kind::kAbsent || value.kind == CardValue::Kind::kUndefined)
    return std::nullopt;
  const std::optional<double> found = numberOf(value);
  if (!found) header.reject(std::string(keyword) + " = " + value.text + " is not a usable number");
  return found;
}

}  // namespace

PixelScale readScale(const HeaderCards& header, const ScannedHdu& hdu, std::vector<std::string>& warnings) {
  PixelScale scale;
  scale.scale = number(header, hdu, "BSCALE").value_or(1);
  scale.zero = number(header, hdu, "BZERO").value_or(0);
  if (scale.scale == 0) warnings.push_back("BSCALE is 0: every pixel has the same value");
  // For integers only (FITS Standard 4.0, 4.4.2.5).
  if (hdu.bitpix < 0) return scale;
  const CardValue value = findValue(hdu.cards, "BLANK");
  if (value.kind == CardValue::Kind::kAbsent || value.kind == CardValue::Kind::kUndefined) return scale;
  scale.blank = wholeOf(value);
  if (!scale.blank) warnings.push_back("BLANK is not a whole number and has no effect");
  return scale;
}

}  // namespace otf::fits
