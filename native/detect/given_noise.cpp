#include "detect/given_noise.h"

#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>

#include "error/error.h"
#include "fits/pixel_unit.h"
#include "sky/frame.h"
#include "sky/wcs.h"

namespace otf {
namespace {

/// Further apart than this (pixels), and the map is one of other pixels.
constexpr double kSamePixel = 0.1;

std::string sizeText(int64_t width, int64_t height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

/// The pixel of the image that a pixel of the map is.
std::optional<std::pair<double, double>> inImage(const Wcs& map, const Wcs& image, double x, double y) {
  const auto sky = map.pixelToSky(x, y);
  return sky ? image.skyToPixel(sky::toFrame(*sky, map.frame(), image.frame())) : std::nullopt;
}

/// Where the map's first pixel lies in the image. Corners that have no sky say nothing.
std::pair<int64_t, int64_t> placeOf(const FitsInfo& map, const HeaderReview& image, const Region& region) {
  const FitsInfo& info = image.info;
  const auto refuse = [&](const std::string& why) {
    return OtfError(Code::kMapMismatch, map.label + " is no map of " + info.label + ": " + why +
                                            "; a map needs the pixels of the image, all or some of them");
  };
  const bool whole = map.width == info.width && map.height == info.height;
  std::vector<std::string> ignored;
  const auto wcs = Wcs::fromCards(map.cards, map.axes, ignored);
  std::optional<std::pair<int64_t, int64_t>> place;
  if (whole) place = {0, 0};
  if (wcs && image.wcs) {
    const auto right = static_cast<double>(map.width - 1), top = static_cast<double>(map.height - 1);
    for (const auto& [x, y] :
         {std::pair{right / 2, top / 2}, {0.0, 0.0}, {right, 0.0}, {0.0, top}, {right, top}}) {
      const auto at = inImage(*wcs, *image.wcs, x, y);
      if (!at) continue;
      if (!place) place = {std::llround(at->first - x), std::llround(at->second - y)};
      const double dx = at->first - x - static_cast<double>(place->first);
      const double dy = at->second - y - static_cast<double>(place->second);
      if (!(std::hypot(dx, dy) <= kSamePixel)) throw refuse("its pixels lie elsewhere on the sky");
    }
  }
  if (!place) {
    throw refuse("it has " + sizeText(map.width, map.height) + " pixels, the image " +
                 sizeText(info.width, info.height) + ", and nothing says where they lie");
  }
  const auto [x, y] = *place;
  if (x > region.x || y > region.y || x + map.width < region.x + region.width ||
      y + map.height < region.y + region.height)
    throw refuse("it does not cover the pixels that are searched");
  return *place;
}

double factorTo(const FitsInfo& map, const HeaderReview& image, const std::string& unit,
                std::vector<std::string>& warnings) {
  if (map.bunit.empty()) {
    warnings.push_back(map.label + ": it has no BUNIT: its values are taken as the image's pixels" +
                       (image.pixelUnit.empty() ? "" : ", in " + image.pixelUnit));
    return image.unitFactor;
  }
  if (map.bunit == unit) return 1;
  const auto from = fits::parsePixelUnit(map.bunit), to = fits::parsePixelUnit(unit);
  const auto factor = from && to ? fits::factorBetween(*from, *to) : std::nullopt;
  if (factor) return *factor;
  throw OtfError(Code::kUnitMismatch, map.label + " is in " + map.bunit +
                                          " (BUNIT), the measured values are in " +
                                          (unit.empty() ? "no unit that is said" : unit));
}

}  // namespace

std::shared_ptr<const measure::GivenMap> openGivenMap(const std::string& path, const FitsSelect& select,
                                                      const HeaderReview& image, const Region& region,
                                                      const std::string& unit,
                                                      const std::atomic<bool>* cancel,
                                                      std::vector<std::string>& warnings) {
  const auto map = std::make_shared<FitsImage>(FitsImage::openBeside(path, select, image.info));
  map->setCancel(cancel);
  const FitsInfo& info = map->info();
  for (const std::string& line : info.warnings) warnings.push_back(info.label + ": " + line);
  const auto [x, y] = placeOf(info, image, region);
  const double factor = factorTo(info, image, unit, warnings);
  measure::ImagePixels pixels{
      info.width, info.height,
      [map, factor](int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* out, int64_t stride) {
        map->readWindow(x0, y0, columns, rows, out, stride);
        fits::multiplyWindow(out, columns, rows, stride, factor);
      }};
  return std::make_shared<const measure::GivenMap>(std::move(pixels), x, y);
}

}  // namespace otf
