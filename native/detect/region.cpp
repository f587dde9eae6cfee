#include "detect/region.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "error/error.h"
#include "sky/frame.h"

namespace otf {
namespace {

std::string sizeText(const FitsInfo& info) {
  return info.label + " has " + std::to_string(info.width) + " x " + std::to_string(info.height) + " pixels";
}

std::string skyText(const SkyRegion& roi) {
  char text[160];
  std::snprintf(text, sizeof text, "region of interest %lld x %lld pixels around RA %.7g Dec %.7g deg",
                static_cast<long long>(roi.width), static_cast<long long>(roi.height), roi.centre.raDeg,
                roi.centre.decDeg);
  return text;
}

std::string boxText(const Region& box) {
  return "region of interest x " + std::to_string(box.x) + " y " + std::to_string(box.y) + " width " +
         std::to_string(box.width) + " height " + std::to_string(box.height);
}

void checkSize(int64_t width, int64_t height, const std::string& what) {
  if (width < 1 || height < 1) {
    throw OtfError(Code::kInvalidArgument, what + " is empty: width and height must be at least 1 pixel");
  }
}

/// [begin, begin+length) cut to [0, size); length 0 when nothing is left. Any int64 is safe.
void cutAxis(int64_t& begin, int64_t& length, int64_t size) {
  if (begin < 0) {
    length += begin;
    begin = 0;
  }
  length = begin >= size ? 0 : std::clamp<int64_t>(length, 0, size - begin);
}

Region cutToPlane(Region box, const FitsInfo& info, const std::string& what) {
  cutAxis(box.x, box.width, info.width);
  cutAxis(box.y, box.height, info.height);
  if (box.width == 0 || box.height == 0) {
    throw OtfError(Code::kRoiOutside, what + " is outside the image: " + sizeText(info));
  }
  return box;
}

Region aroundPosition(const SkyRegion& roi, const FitsInfo& info, const Wcs* wcs) {
  const std::string what = skyText(roi);
  if (!std::isfinite(roi.centre.raDeg) || !(std::abs(roi.centre.decDeg) <= 90)) {
    throw OtfError(Code::kInvalidArgument, what + ": RA must be a number and Dec within -90..90");
  }
  checkSize(roi.width, roi.height, what);
  if (!wcs) {
    throw OtfError(Code::kRoiOutside, what + " cannot be placed: " + info.label +
                                          " has no celestial WCS; give the region as a pixel box instead");
  }
  const SkyPosition centre = roi.frame ? sky::toFrame(roi.centre, *roi.frame, wcs->frame()) : roi.centre;
  const auto pixel = wcs->skyToPixel(centre);
  // Far beyond any plane the rounding below would overflow; such a centre cannot be on the image anyway.
  constexpr double kFar = 1e15;
  if (!pixel || !(std::abs(pixel->first) < kFar) || !(std::abs(pixel->second) < kFar)) {
    throw OtfError(Code::kRoiOutside, what + " is outside the image's projection: " + sizeText(info));
  }
  const auto first = [](double middle, int64_t length) {
    return static_cast<int64_t>(std::llround(middle - (static_cast<double>(length) - 1) / 2));
  };
  return cutToPlane({first(pixel->first, roi.width), first(pixel->second, roi.height), roi.width, roi.height},
                    info, what);
}

}  // namespace

Region resolveRegion(const RegionRequest& request, const FitsInfo& info, const Wcs* wcs) {
  if (const auto* box = std::get_if<Region>(&request)) {
    checkSize(box->width, box->height, boxText(*box));
    return cutToPlane(*box, info, boxText(*box));
  }
  if (const auto* sky = std::get_if<SkyRegion>(&request)) return aroundPosition(*sky, info, wcs);
  return {0, 0, info.width, info.height};
}

}  // namespace otf
