// What an image's header says, judged as a whole before its pixels are searched: where they are on the sky, what they are
// worth, whether its beam can be one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fits/fits.h"
#include "sky/wcs.h"

namespace otf {

struct HeaderReview {
  FitsInfo info;                      // without a beam that can be none
  std::optional<Wcs> wcs;             // absent: pixel positions only
  std::string pixelUnit;              // what the pixels are taken in; "" = not known
  double unitFactor = 1;              // what they are multiplied by to be in the network's unit
  std::vector<std::string> warnings;  // each names the image, once
};

/// `modelUnit`: what the network was trained in, "" = its card does not say. `pixelUnit`: in place of BUNIT, "" = BUNIT
/// counts. Throws kUnitMismatch, naming both, when the pixels are in a unit of another kind; kInvalidArgument when
/// `pixelUnit` is no unit.
HeaderReview reviewHeader(const FitsInfo& info, const std::string& modelUnit, const std::string& pixelUnit);
/// Without a network: its pixels stay what they are; a unit of flux density in a beam is spelt as in Jy/beam.
HeaderReview reviewHeader(const FitsInfo& info);

}  // namespace otf
